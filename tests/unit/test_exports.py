"""What the package promises by name is there, and nothing else is."""

from __future__ import annotations

import intermezzo_nb


def test_every_exported_name_can_be_had():
    for name in intermezzo_nb.__all__:
        assert getattr(intermezzo_nb, name) is not None


def test_dir_shows_just_the_exports():
    assert dir(intermezzo_nb) == sorted(intermezzo_nb.__all__)


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(intermezzo_nb, "nonsense")
