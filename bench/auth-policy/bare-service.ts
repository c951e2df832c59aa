/** The least that node:http can do: the same JSON read, a constant answered. `bare-service.ts PORT` */
import { createServer } from 'node:http';

const answer = '{"status":0,"msg":""}';
createServer({ noDelay: true }, (request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (text: string) => (body += text));
  request.on('end', () => {
    JSON.parse(body);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
    response.end(answer);
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
