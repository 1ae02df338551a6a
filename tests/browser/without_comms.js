// What kernel and page say to each other about widgets gets lost, both ways.
(() => {
  const isComm = (data) => {
    const text = typeof data === "string" ? data : new TextDecoder().decode(data);
    return /"msg_type":\s*"comm_/.test(text);
  };
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    if (!isComm(data)) send.call(this, data);
  };
  const own = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
  Object.defineProperty(WebSocket.prototype, "onmessage", {
    ...own,
    set(handler) {
      own.set.call(this, handler && ((event) => isComm(event.data) || handler(event)));
    },
  });
})();
