// Sends every connection that the SDK opens to Box's hosts to the Boxwood server under test, so that neither the SDK,
// nor its tests, nor /etc/hosts is changed. Loaded by NODE_OPTIONS=--require.
//
// Only the address of the TCP connection changes: TLS still names and checks api.box.com against the server's own CA
// (NODE_EXTRA_CA_CERTS). Any other host that is not loopback is refused, so that a run never leaves this machine.
'use strict';

const net = require('node:net');

const BOX_HOSTS = new Set(['api.box.com', 'upload.box.com', 'account.box.com']);
const [serverHost, serverPort] = (process.env.BOXWOOD_SDK_HTTPS || '').split(':');
const LOOPBACK = /^(localhost|127\.|::1|\[::1\])/;

const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function connectToBoxwood(...given) {
  // net.connect() and tls.connect() hand over one array of normalised arguments, user code an options object.
  const first = Array.isArray(given[0]) ? given[0][0] : given[0];
  if (first && typeof first === 'object' && typeof first.host === 'string') {
    if (BOX_HOSTS.has(first.host)) {
      first.host = serverHost;
      first.port = Number(serverPort);
    } else if (!LOOPBACK.test(first.host)) {
      process.nextTick(() => this.destroy(new Error(`the SDK suite may not leave this machine: ${first.host}`)));
      return this;
    }
  }
  return connect.apply(this, given);
};
