/** Baseline of the fan-out bench: a bare `node:http` server that holds event streams and writes each frame it is sent to all of them. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const streams = new Set<ServerResponse>();

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': open\n\n');
    streams.add(response);
    response.on('close', () => streams.delete(response));
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const frame = Buffer.concat(chunks);
    for (const stream of streams) stream.write(frame);
    response.end();
  });
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => process.send?.((server.address() as AddressInfo).port));
