/** The least a policy service can do in Node: finds the end of a request and answers DUNNO. `bare-service.ts PORT` */
import { createServer } from 'node:net';

const end = Buffer.from('\n\n');

createServer({ noDelay: true }, (socket) => {
  socket.on('data', (bytes) => {
    if (bytes.indexOf(end) >= 0) socket.write('action=DUNNO\n\n', 'latin1');
  });
  socket.on('error', () => undefined);
}).listen(Number(process.argv[2]), '127.0.0.1');
