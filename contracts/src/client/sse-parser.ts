/**
 * Server-sent events off a byte stream (WHATWG HTML §9.2.6). Ours, because the parsers at hand swallow an `id` that comes without data, and
 * that id is what makes a connection that breaks before its first event resume exactly.
 */
export interface ServerSentEvent {
  /** `Last-Event-ID` from now on; null when the stream has named none yet. */
  readonly id: string | null;
  /** Null for a block that only sets the id. */
  readonly data: string | null;
}

export interface ParserHooks {
  readonly onRetry?: (ms: number) => void;
  /** Any sign of life: an event, a comment. */
  readonly onLine?: () => void;
}

/** Ends when the bytes end; an event that is cut off is not given (§9.2.6: discarded). */
export async function* parseEvents(bytes: AsyncIterable<Uint8Array>, hooks: ParserHooks = {}): AsyncGenerator<ServerSentEvent> {
  let id: string | null = null;
  let named = false;
  let data: string[] = [];
  for await (const line of linesOf(bytes)) {
    hooks.onLine?.();
    if (line === '') {
      if (data.length > 0 || named) yield { id, data: data.length > 0 ? data.join('\n') : null };
      data = [];
      named = false;
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') data.push(value);
    else if (field === 'id' && !value.includes('\0')) {
      id = value;
      named = true;
    } else if (field === 'retry' && /^\d+$/.test(value)) hooks.onRetry?.(Number(value));
  }
}

/** Lines end with CR LF, LF or CR, wherever the chunks do. */
async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder(); // drops a byte order mark
  let rest = '';
  let endedInCr = false; // then an LF that begins the next chunk belongs to it
  for await (const chunk of bytes) {
    let text = decoder.decode(chunk, { stream: true });
    if (text === '') continue;
    if (endedInCr && text.startsWith('\n')) text = text.slice(1);
    endedInCr = text.endsWith('\r');
    const lines = (rest + text).split(/\r\n|\n|\r/);
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
