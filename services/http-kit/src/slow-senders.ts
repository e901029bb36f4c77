/**
 * How long a body may take to arrive, so that whoever sends slowly does not keep a socket. Node knows one limit for a whole server; files of
 * many MiB need another than the rest.
 */
import type { FastifyInstance } from 'fastify';
import type { IncomingMessage } from 'node:http';

/** In milliseconds and bytes per second. */
export interface Patience {
  /** For a body that is no file. */
  readonly body: number;
  /** For a file that keeps coming: 25 MiB at 0.7 Mbit/s. */
  readonly file: number;
  /** For the largest file there is, which must be asked for. */
  readonly largest: number;
  /** What a file must have come at, on average, whenever it is looked at. */
  readonly fileRate: number;
}

export const PATIENCE: Patience = { body: 30_000, file: 300_000, largest: 24 * 3_600_000, fileRate: 16 * 1024 };

const expectsFile = new WeakMap<IncomingMessage, (forMs: number | undefined) => void>();

/** Cuts off, with 408, who takes longer. `requestTimeout` must be `largest`; it and `headersTimeout` see to what is no body. */
export const cutOffSlowSenders = (app: FastifyInstance, patience: Patience = PATIENCE): void => {
  app.server.on('request', (request: IncomingMessage) => {
    if (request.headers['transfer-encoding'] === undefined && !(Number(request.headers['content-length']) > 0)) return;
    const { socket } = request;
    const before = socket.bytesRead;
    const since = performance.now();
    let fileMs = 0;
    const look = (): void => {
      if (request.complete) return;
      const seconds = (performance.now() - since) / 1000;
      if (seconds * 1000 < fileMs && socket.bytesRead - before >= seconds * patience.fileRate) timer.refresh();
      else
        app.server.emit('clientError', Object.assign(new Error('The body came too slowly.'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
    };
    const timer = setTimeout(look, patience.body).unref();
    expectsFile.set(request, (forMs = patience.file) => {
      fileMs = Math.min(forMs, patience.largest);
    });
    request.once('close', () => clearTimeout(timer));
  });
};

/** Its sender may take the time of a file. Of no effect on requests that came by no socket. */
export const allowForFile = (request: IncomingMessage, forMs?: number): void => expectsFile.get(request)?.(forMs);
