import { parseEvents } from '../sse-parser.ts';

/** As browsers have it, in the parts that count: no headers, ids kept, no word of comments or of ids without events. */
export class TestEventSource {
  readonly #connection = new AbortController();
  readonly #listeners = new Map<string, (event: { readonly data?: unknown; readonly lastEventId?: string }) => void>();
  constructor(url: string) {
    this.#run(url).catch(() => this.#listeners.get('error')?.({}));
  }
  addEventListener(type: string, listener: (event: { readonly data?: unknown; readonly lastEventId?: string }) => void): void {
    this.#listeners.set(type, listener);
  }
  close(): void {
    this.#connection.abort();
  }
  async #run(url: string): Promise<void> {
    const response = await fetch(url, { signal: this.#connection.signal });
    if (!response.ok || response.body === null) throw new Error(`${response.status}`);
    this.#listeners.get('open')?.({});
    for await (const { id, data } of parseEvents(response.body))
      if (data !== null) this.#listeners.get('message')?.({ data, lastEventId: id ?? '' });
    throw new Error('ended');
  }
}
