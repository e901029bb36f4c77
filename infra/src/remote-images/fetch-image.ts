/**
 * Pictures from elsewhere, for mails that show some: fetched for the reader, whose address and habits their sender does not learn. Whoever writes a mail
 * chooses where we ask, so each address is checked as the connection is made, also behind each redirect.
 */
import http from 'node:http';
import https from 'node:https';
import { AddressRefused, faultOfUrl, guardedLookup, type Guard } from '../webhooks/guard.ts';
import { imageTypeOf } from './image-type.ts';

export interface RemoteImage {
  readonly type: string;
  readonly bytes: Buffer;
}

/** There is no picture to show; the message says why, in words that name nothing but what was asked for. */
export class ImageRefused extends Error {
  override readonly name = 'ImageRefused';
}

export interface FetchOptions extends Guard {
  /** For all of it: look-ups, redirects and bytes. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

const MOST_REDIRECTS = 5;

/** @throws ImageRefused, whatever goes wrong */
export const fetchImage = async (url: string, options: FetchOptions): Promise<RemoteImage> => {
  const signal = AbortSignal.timeout(options.timeoutMs);
  try {
    let at = url;
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
      const answer = await get(at, options, signal);
      if ('bytes' in answer) {
        const type = imageTypeOf(answer.bytes);
        if (type === null) throw new ImageRefused('what was sent is no picture that is shown');
        return { type, bytes: answer.bytes };
      }
      at = new URL(answer.location, at).href;
    }
    throw new ImageRefused('too many redirects');
  } catch (error) {
    if (error instanceof ImageRefused) throw error;
    if (signal.aborted) throw new ImageRefused(`no answer within ${options.timeoutMs} ms`, { cause: error });
    if (error instanceof AddressRefused) throw new ImageRefused('the address is none that is called', { cause: error });
    throw new ImageRefused('the server cannot be reached', { cause: error });
  }
};

type Got = { readonly bytes: Buffer } | { readonly location: string };

const get = (text: string, options: FetchOptions, signal: AbortSignal): Promise<Got> =>
  new Promise((resolve, reject) => {
    const fault = faultOfUrl(text, options);
    if (fault !== null) {
      reject(new AddressRefused(`the URL ${fault}`));
      return;
    }
    const url = new URL(text);
    // Nothing of the reader goes along; no connection is kept for somebody else's picture.
    const request = (url.protocol === 'https:' ? https : http).request(url, {
      agent: false,
      lookup: guardedLookup(options),
      headers: { 'user-agent': 'Tidings', accept: 'image/*', 'accept-encoding': 'identity' },
      signal,
    });
    request.on('error', reject);
    request.on('response', (response) => {
      read(response, options.maxBytes).then(resolve, (error: unknown) => {
        response.destroy();
        reject(error);
      });
    });
    request.end();
  });

const read = async (response: http.IncomingMessage, maxBytes: number): Promise<Got> => {
  const { statusCode = 0, headers } = response;
  if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
    response.destroy();
    return { location: headers.location };
  }
  if (statusCode !== 200) throw new ImageRefused(`the server answered ${statusCode}`);
  const tooLarge = new ImageRefused(`larger than ${maxBytes} bytes`);
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    // no encoding is set
    length += chunk.length;
    if (length > maxBytes) throw tooLarge;
    chunks.push(chunk);
  }
  return { bytes: Buffer.concat(chunks) };
};
