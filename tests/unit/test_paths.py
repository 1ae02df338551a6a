"""A path leads to one place of the API, or nowhere."""

from __future__ import annotations

import pytest

from intermezzo_nb.api.paths import url_of
from intermezzo_nb.errors import SettingsError

BASE = "https://api.example/tenant/v1"


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/x", "/x"),
        ("x", "/x"),
        ("//evil.example/x", "/evil.example/x"),
        ("/tenant/v1", ""),
        ("/tenant/v1?a=b", "?a=b"),
        ("/tenant/v1/x?a=/../b", "/x?a=/../b"),
        ("/tenant/v12", "/tenant/v12"),
        ("?a=b", "/?a=b"),
        ("/a..b/...", "/a..b/..."),
        ("https://api.example/tenant/v1/x", "/x"),
    ],
)
def test_a_path_is_appended_and_may_repeat_the_prefix(path, leads_to):
    assert url_of(path, BASE) == BASE + leads_to


@pytest.mark.parametrize(
    "path",
    [
        "/../x",
        "/x/../../y",
        "/./x",
        "..",
        "/%2e%2e/x",
        "/%2E./x",
        "/..%2fx",
        "/x\\..\\y",
        "/x%5c..%5cy",
        "/x#y",
        "/x?a=b#c",
    ],
)
def test_what_leads_elsewhere_or_is_not_sent_is_refused(path):
    with pytest.raises(SettingsError) as caught:
        url_of(path, BASE)
    assert caught.value.code == "bad_path"
    assert caught.value.advice


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/x",
        "http://api.example/x",
        "https://api.example:8443/x",
        "https://api.example@evil.example/x",
        "https://evil.example\\@api.example/x",
    ],
)
def test_other_origins_are_refused(path):
    with pytest.raises(SettingsError) as caught:
        url_of(path, BASE)
    assert caught.value.code == "foreign_url"
