/** A mail server on a real socket that does as a test says: takes mail and keeps it, refuses, delays, breaks off, or never comes to an end. */
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

export interface SinkMail {
  readonly from: string;
  /** The parameters of MAIL FROM, as written. */
  readonly parameters: string;
  readonly to: readonly string[];
  /** With dots unstuffed. */
  readonly data: string;
  readonly tls: boolean;
  readonly session: number;
}

/** A reply (without its line end), or what to do instead of one: `hang`, `drop`, `endless`. */
export type Answer = string | Promise<string>;

export interface Script {
  /** Extensions of EHLO, in place of the usual ones. */
  readonly extensions?: readonly string[];
  readonly certificate?: { readonly key: string; readonly cert: string };
  /** TLS from the first byte. */
  readonly implicitTls?: boolean;
  readonly greeting?: Answer;
  readonly onEhlo?: (name: string, tls: boolean) => Answer | undefined;
  readonly onStartTls?: () => Answer | undefined;
  readonly onAuth?: (line: string) => Answer;
  readonly onMail?: (from: string, session: number) => Answer | undefined;
  readonly onRcpt?: (to: string, session: number) => Answer | undefined;
  readonly onData?: () => Answer | undefined;
  /** While the bytes come in; `drop` breaks off. */
  readonly onBytes?: (received: number) => 'drop' | undefined;
  /** After the final dot. Mail counts as taken when the answer begins with 2. */
  readonly onMessage?: (mail: SinkMail) => Answer | undefined;
}

export interface Sink {
  readonly host: string;
  readonly port: number;
  readonly mails: readonly SinkMail[];
  /** Connections so far. */
  readonly sessions: () => number;
  /** What clients wrote outside of messages. */
  readonly lines: readonly string[];
  /** Resolves when so many mails were taken. */
  readonly taken: (count: number) => Promise<void>;
  /** Another script from now on. */
  readonly play: (script: Script) => void;
  readonly close: () => Promise<void>;
}

const USUAL = ['PIPELINING', 'SIZE 52428800', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES', 'DSN'];

export const startSink = async (first: Script = {}, at: { readonly host?: string; readonly port?: number } = {}): Promise<Sink> => {
  let script = first;
  const mails: SinkMail[] = [];
  const lines: string[] = [];
  const sockets = new Set<Socket>();
  const waiting = new Set<() => void>();
  let sessions = 0;
  const keep = (mail: SinkMail): void => {
    mails.push(mail);
    for (const look of waiting) look();
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    sessions += 1;
    new Conversation(socket, sessions, () => script, lines, keep).begin();
  });
  const port = await listen(server, at.host ?? '127.0.0.1', at.port ?? 0);
  return {
    host: at.host ?? '127.0.0.1',
    port,
    mails,
    lines,
    sessions: () => sessions,
    taken: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (mails.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    play: (next) => (script = next),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const listen = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });

/** One client. Commands are answered in turn, however many come at once. */
class Conversation {
  #socket: Socket;
  #buffer = '';
  #busy = false;
  #tls = false;
  #inData = false;
  #from = '';
  #parameters = '';
  #to: string[] = [];
  readonly #session: number;
  readonly #script: () => Script;
  readonly #lines: string[];
  readonly #keep: (mail: SinkMail) => void;

  constructor(socket: Socket, session: number, script: () => Script, lines: string[], keep: (mail: SinkMail) => void) {
    this.#socket = socket;
    this.#session = session;
    this.#script = script;
    this.#lines = lines;
    this.#keep = keep;
  }

  begin(): void {
    if (this.#script().implicitTls === true) this.#encrypt();
    else this.#listen(this.#socket);
    void this.#say(this.#script().greeting ?? '220 sink.test ESMTP');
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#buffer += chunk.toString('latin1');
      if (this.#inData && this.#script().onBytes?.(this.#buffer.length) === 'drop') socket.destroy();
      else void this.#work();
    });
    socket.on('error', () => undefined);
  }

  #encrypt(): void {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    const { key, cert } = this.#script().certificate ?? { key: '', cert: '' };
    this.#socket = new TLSSocket(plain, { isServer: true, secureContext: createSecureContext({ key, cert }) });
    this.#tls = true;
    this.#buffer = '';
    this.#listen(this.#socket);
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    for (let taken = this.#next(); taken !== null; taken = this.#next()) {
      if (this.#inData) await this.#message(taken);
      else await this.#command(taken);
      if (this.#socket.destroyed) return;
    }
    this.#busy = false;
  }

  /** A line, or a whole message. */
  #next(): string | null {
    const end = this.#inData ? '\r\n.\r\n' : '\r\n';
    const buffer = this.#inData ? `\r\n${this.#buffer}` : this.#buffer;
    const at = buffer.indexOf(end);
    if (at < 0) return null;
    const taken = buffer.slice(this.#inData ? 2 : 0, this.#inData ? at + 2 : at);
    this.#buffer = buffer.slice(at + end.length);
    return taken;
  }

  async #command(line: string): Promise<void> {
    this.#lines.push(line);
    const script = this.#script();
    const [, verb = '', rest = ''] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    const path = /^(?:FROM|TO):<([^>]*)> ?(.*)$/i.exec(rest);
    switch (verb.toUpperCase()) {
      case 'EHLO':
        return this.#say(script.onEhlo?.(rest, this.#tls) ?? this.#hello(script));
      case 'STARTTLS': {
        const answer = script.onStartTls?.() ?? '220 2.0.0 go on';
        await this.#say(answer);
        if (typeof answer === 'string' && answer.startsWith('220')) this.#encrypt();
        return;
      }
      case 'AUTH':
        return this.#say(script.onAuth?.(line) ?? '502 5.5.1 no');
      case 'MAIL':
        this.#from = utf8(path?.[1] ?? '');
        this.#parameters = path?.[2] ?? '';
        this.#to = [];
        return this.#say(script.onMail?.(this.#from, this.#session) ?? '250 2.1.0 ok');
      case 'RCPT': {
        const to = utf8(path?.[1] ?? '');
        const answer = await (script.onRcpt?.(to, this.#session) ?? '250 2.1.5 ok');
        if (answer.startsWith('2')) this.#to.push(to);
        return this.#say(answer);
      }
      case 'DATA': {
        const answer = await (this.#to.length === 0 ? '554 5.5.1 no valid recipients' : (script.onData?.() ?? '354 go on'));
        this.#inData = answer.startsWith('354');
        return this.#say(answer);
      }
      case 'RSET':
        return this.#say('250 2.0.0 ok');
      case 'QUIT':
        await this.#say('221 2.0.0 bye');
        this.#socket.end();
        return;
      default:
        return this.#say('502 5.5.2 what?');
    }
  }

  #hello(script: Script): string {
    const offers = [...(script.extensions ?? USUAL), ...(script.certificate !== undefined && !this.#tls ? ['STARTTLS'] : [])];
    return ['sink.test', ...offers].map((line, at, all) => `250${at === all.length - 1 ? ' ' : '-'}${line}`).join('\r\n');
  }

  async #message(raw: string): Promise<void> {
    this.#inData = false;
    const data = utf8(raw.replace(/^\.\./gm, '.'));
    const mail: SinkMail = {
      ...{ from: this.#from, parameters: this.#parameters, to: this.#to, data, tls: this.#tls, session: this.#session },
    };
    const answer = await (this.#script().onMessage?.(mail) ?? '250 2.0.0 taken');
    if (answer.startsWith('2')) this.#keep(mail);
    return this.#say(answer);
  }

  async #say(answer: Answer): Promise<void> {
    const said = await answer;
    if (said === 'hang') await new Promise((resolve) => this.#socket.once('close', resolve));
    else if (said === 'drop') this.#socket.destroy();
    else if (said === 'endless') await this.#neverEnd();
    else this.#socket.write(`${said}\r\n`);
  }

  /** One line without an end, for as long as the client reads. */
  async #neverEnd(): Promise<void> {
    const socket = this.#socket;
    socket.write('250-');
    while (!socket.destroyed) {
      const more = socket.write('x'.repeat(16_384));
      await new Promise((resolve) => {
        if (more) setImmediate(resolve);
        else socket.once('drain', resolve).once('close', resolve);
      });
    }
  }
}

const utf8 = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8');
