/** For tests: a client of the live stream on a real socket, that remembers what it heard. */
import { createParser } from 'eventsource-parser';
import http from 'node:http';

export interface Heard {
  readonly id: string;
  readonly event: { readonly type: string; readonly [field: string]: unknown };
}

export class Listening {
  /** What has an id, and so its place. */
  readonly heard: Heard[] = [];
  /** What is told once and has none: who types, who is there. */
  readonly passing: Heard['event'][] = [];
  comments = 0;
  /** The opening id, until an event gives a newer one. */
  lastId = '';
  ended = false;
  readonly #request: http.ClientRequest;
  readonly #response: http.IncomingMessage;
  #changed: () => void = () => {};

  static open(url: string, token: string, lastEventId?: string): Promise<Listening> {
    return Listening.#at(`${url}/api/sse`, {
      authorization: `Bearer ${token}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    });
  }

  /** As an EventSource: all it can say stands in the URL. */
  static openByTicket(url: string, ticket: string, lastEventId?: string): Promise<Listening> {
    const query = new URLSearchParams({ ticket, ...(lastEventId === undefined ? {} : { lastEventId }) });
    return Listening.#at(`${url}/api/sse?${query.toString()}`, {});
  }

  static async #at(url: string, headers: http.OutgoingHttpHeaders): Promise<Listening> {
    const request = http.get(url, { agent: false, headers });
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      request.once('response', resolve).once('error', reject);
    });
    if (response.statusCode !== 200) {
      response.resume();
      throw new Error(`the stream answered ${response.statusCode}`);
    }
    return new Listening(request, response);
  }

  private constructor(request: http.ClientRequest, response: http.IncomingMessage) {
    this.#request = request;
    this.#response = response;
    const parser = createParser({
      onComment: () => {
        this.comments++;
      },
      onEvent: ({ id, data }) => {
        const event = JSON.parse(data) as Heard['event'];
        if (id === undefined) this.passing.push(event);
        else {
          this.lastId = id;
          this.heard.push({ id, event });
        }
        this.#changed();
      },
    });
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      this.lastId ||= /^id: (.*)$/m.exec(text)?.[1] ?? '';
      parser.feed(text);
      this.#changed();
    });
    const over = (): void => {
      this.ended = true;
      this.#changed();
    };
    response.on('close', over).on('error', over);
    request.on('error', over);
  }

  get types(): readonly string[] {
    return this.heard.map(({ event }) => event.type);
  }

  /** Waits until `condition` holds of this; looked at whenever something arrives. */
  async until(condition: (listening: this) => boolean, withinMs = 10_000): Promise<this> {
    const deadline = setTimeout(() => this.#changed(), withinMs);
    const end = Date.now() + withinMs;
    while (!condition(this)) {
      if (Date.now() >= end)
        throw new Error(`waited in vain; heard ${JSON.stringify(this.types.slice(-5))} (${this.heard.length}), ended: ${this.ended}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    clearTimeout(deadline);
    return this;
  }

  /** Stops reading, as a client that hangs does. */
  hang(): void {
    this.#response.pause();
  }
  resume(): void {
    this.#response.resume();
  }
  close(): void {
    this.#request.destroy();
  }
}
