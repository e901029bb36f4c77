/** The client where there is no Node: bundled as a product's build does it, and run where there is only what the web has. */
import { fileURLToPath } from 'node:url';
import { createContext, Script } from 'node:vm';
import { build } from 'vite'; // vitest's own
import { expect, it } from 'vitest';
import { serve } from './testing/serve.ts';

/** One script that leaves the client in `tidings`. */
const bundle = async (): Promise<string> => {
  const entry = fileURLToPath(new URL('testing/browser-entry.ts', import.meta.url));
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, lib: { entry, formats: ['iife'], name: 'tidings', fileName: 'tidings' } },
  });
  const outputs = (Array.isArray(built) ? built : [built]) as readonly { readonly output: readonly { readonly code?: string }[] }[]; // not watching
  return outputs.flatMap(({ output }) => output.map(({ code = '' }) => code)).join('\n');
};

it('calls, tries again and listens with nothing of Node', async () => {
  const asked: string[] = [];
  const baseUrl = await serve((request, response) => {
    asked.push(`${request.method} ${request.url} ${String(request.headers['idempotency-key'] !== undefined)}`);
    if (request.url === '/api/sse')
      response.writeHead(200).write('id: 1\ndata: {"type":"LeaveRoom","createdAt":"2026-11-20T00:00:00.000Z","roomId":"x"}\n\n');
    else if (asked.length === 1) response.writeHead(503, { 'retry-after': '0' }).end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{"mediaUrl":"u"}');
  });
  const web = { AbortController, AbortSignal, Blob, clearInterval, clearTimeout, crypto, fetch, FormData, setInterval, setTimeout };
  const context = createContext({ ...web, TextDecoder, TextEncoder, URL, URLSearchParams, baseUrl });
  const code = await bundle();
  expect(code).not.toMatch(/node:|__vite-browser-external/);
  new Script(code).runInContext(context);
  const heard: unknown = await new Script(`(async () => {
    const options = { baseUrl, token: () => 'tok' };
    const body = new FormData();
    body.append('file', new Blob(['pixels']), 'cat.txt');
    await tidings.createClient(options).uploadMedia({ body }).catch((error) => { if (error.name !== 'ContractError') throw error; });
    for await (const { id, json } of tidings.liveEvents(options)) return [id, JSON.parse(json).type];
  })()`).runInContext(context);
  expect(heard).toEqual(['1', 'LeaveRoom']);
  expect(asked).toEqual(['POST /api/media true', 'POST /api/media true', 'GET /api/sse false']);
});
