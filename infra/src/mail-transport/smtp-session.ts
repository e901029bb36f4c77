/**
 * One SMTP connection (RFC 5321, by nodemailer's client), which may carry several mails one after the other. What the peer says decides for each
 * recipient; when the connection breaks, it depends on whether the last byte had gone out: before, nobody has the mail; after, nobody knows.
 */
import { isIP, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { type PeerCertificate, rootCertificates, TLSSocket } from 'node:tls';
import type { Begin, OutgoingMail, Transmission } from '@tidings/contracts/ports/mail-transport';
import SMTPConnection, { type SMTPConnectionEnvelope } from 'nodemailer/lib/smtp-connection';
import type { NodemailerError } from 'nodemailer/lib/errors';
import { type AppliedPolicy, failureIn, type TlsFailure } from '../tls-report/result.ts';

/** How a connection is protected, and what its certificate must show. */
export type TlsDemand = { readonly applied?: AppliedPolicy } & TlsRule;

type TlsRule =
  /** Encrypted if the server can; whoever it is (RFC 7435). `trial`: what a policy that is on trial finds wrong with it is told, and holds nothing up. */
  | { readonly type: 'opportunistic'; readonly trial?: (certificate: Buffer | undefined) => TlsFailure | null }
  | { readonly type: 'none' }
  /**
   * Encrypted, with a certificate that names the host and is vouched for. `implicit`: from the first byte (RFC 8314). `names`: by a stricter rule than
   * that of HTTPS. `because`: who asks for it, in words.
   */
  | {
      readonly type: 'verified';
      readonly implicit?: boolean;
      readonly by: string;
      readonly names?: (certificate: Buffer) => boolean;
      readonly because?: string;
    }
  /** Encrypted, with a certificate that `accepts` finds right (RFC 7672). */
  | { readonly type: 'dane'; readonly accepts: (chain: readonly Buffer[]) => boolean; readonly because: string };

export interface Target {
  /** What the certificate names, and what is told. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly tls: TlsDemand;
  readonly credentials?: { readonly user: string; readonly pass: string };
}

export interface SessionLimits {
  /** To connect, be greeted, and have TLS. */
  readonly connectMs: number;
  /** Without a byte from the peer. */
  readonly silenceMs: number;
  /** For one mail in all, however busily the peer drips. */
  readonly mailMs: number;
}
export const SESSION_LIMITS: SessionLimits = { connectMs: 30_000, silenceMs: 120_000, mailMs: 600_000 };

/** Of a reply: more is kept nowhere. */
const MOST_RESPONSE_BYTES = 64 * 1024;

/** A server could not be spoken to, or did not want to; another one may. */
export class NoSession extends Error {
  override readonly name = 'NoSession';
  /** In the end because of TLS: without it there might be a session. */
  readonly tlsFailed: boolean;
  constructor(reply: string, tlsFailed: boolean, cause?: unknown) {
    super(reply, { cause });
    this.tlsFailed = tlsFailed;
  }
}

export interface Session {
  readonly host: string;
  /** What was wrong with its protection, though it may be used. */
  readonly tlsFault: TlsFailure | null;
  /**
   * Sends one mail to the recipients that it names. Never rejects for what the peer does.
   * @throws what `begin` and the mail's `bytes` throw
   */
  readonly transmit: (mail: OutgoingMail, begin: Begin) => Promise<Transmitted>;
  /** It can carry another mail. */
  readonly isUsable: () => boolean;
  /** Between mails. */
  readonly close: () => void;
  /** At once, whatever is under way. */
  readonly abort: () => void;
}

export interface Transmitted {
  /** For each recipient. */
  readonly results: ReadonlyMap<string, Transmission>;
  /** The connection ended before anything was said about this mail: nothing against trying it on a new one. */
  readonly stale: boolean;
}

export interface SessionOptions {
  /** Our name for EHLO. */
  readonly name: string;
  readonly limits: SessionLimits;
  /** Certificate authorities that are trusted beside those that everybody trusts, in PEM. */
  readonly trusted?: readonly string[];
  /** An open connection to the target's address, as through a proxy; else one is made. */
  readonly socket?: Socket;
}

/** @throws NoSession */
export const openSession = async (target: Target, { name, limits, trusted = [], socket }: SessionOptions): Promise<Session> => {
  const { host, address, port, tls } = target;
  const heard = new Extensions();
  const connection = new Connection({
    ...{ host: address, port, name, transactionLog: true, logger: heard.logger },
    ...(socket === undefined ? {} : { connection: socket }),
    secure: tls.type === 'verified' && tls.implicit === true,
    requireTLS: (tls.type === 'verified' && tls.implicit !== true) || tls.type === 'dane',
    ignoreTLS: tls.type === 'none',
    opportunisticTLS: tls.type === 'opportunistic',
    tls: {
      ...(isIP(host) === 0 ? { servername: host } : {}),
      rejectUnauthorized: tls.type === 'verified',
      ...(trusted.length === 0 ? {} : { ca: [...rootCertificates, ...trusted] }),
    },
    ...{ connectionTimeout: limits.connectMs, greetingTimeout: limits.connectMs, socketTimeout: limits.silenceMs },
    ...{ socketCloseTimeout: 1_000, maxResponseSize: MOST_RESPONSE_BYTES },
  });
  await connected(connection, limits.connectMs);
  const fault = faultOfCertificate(tls, () => chainOf(connection), host);
  if (fault !== null) {
    connection.close();
    throw new NoSession(fault, true);
  }
  if (target.credentials !== undefined) await loggedIn(connection, target.credentials, limits.connectMs);
  const protection = protectionOf(connection, tls);
  const state = { usable: true };
  connection.on('error', () => (state.usable = false));
  connection.on('end', () => (state.usable = false));
  return {
    host,
    tlsFault: protection === null ? NO_TLS : trialOf(tls, connection),
    transmit: (mail, begin) => transmit({ connection, heard, host, tls: protection, limits, state }, mail, begin),
    isUsable: () => state.usable && !connection.destroyed,
    close: () => {
      if (state.usable && !connection.destroyed) connection.quit();
      else connection.close();
      state.usable = false;
    },
    abort: () => connection.close(),
  };
};

const NO_TLS: TlsFailure = { type: 'starttls-not-supported', words: '' };

/** By the policy that is on trial: the name of the certificate, and whether somebody who is trusted vouches for it. */
const trialOf = (tls: TlsDemand, connection: SMTPConnection): TlsFailure | null => {
  const socket = connection._socket;
  if (tls.type !== 'opportunistic' || tls.trial === undefined || !(socket instanceof TLSSocket)) return null;
  const [certificate] = chainOf(connection);
  return tls.trial(certificate) ?? (socket.authorized ? null : failureIn(String(socket.authorizationError)));
};

const faultOfCertificate = (tls: TlsDemand, chain: () => readonly Buffer[], host: string): string | null => {
  if (tls.type === 'dane') return tls.accepts(chain()) ? null : `${host} shows another one.`;
  if (tls.type !== 'verified' || tls.names === undefined) return null;
  const [certificate] = chain();
  return certificate !== undefined && tls.names(certificate) ? null : `The one of ${host} has another name.`;
};

/** The whole of it within the limit: connecting, greeting, EHLO, TLS, EHLO again. */
const connected = (connection: SMTPConnection, ms: number): Promise<void> =>
  orNoSession(connection, ms, (done) => connection.connect((error) => done(error ?? null)));

const loggedIn = (connection: SMTPConnection, credentials: { readonly user: string; readonly pass: string }, ms: number): Promise<void> =>
  orNoSession(connection, ms, (done) => connection.login({ credentials }, done));

/** The client tells of a broken connection by an event, or by the call, or by both. */
const orNoSession = (
  connection: SMTPConnection,
  ms: number,
  start: (done: (error: NodemailerError | null) => void) => void,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const fail = (error: NodemailerError): void => {
      clearTimeout(timer);
      connection.on('error', () => undefined);
      connection.close();
      const tlsFailed = error.code === 'ETLS' || error.timeoutType === 'UPGRADE_TIMEOUT' || connection.upgrading === true;
      reject(new NoSession(sentenceOf(error), tlsFailed, error));
    };
    const timer = setTimeout(() => fail(new Error('The server takes too long.')), ms);
    connection.once('error', fail);
    start((error) => {
      connection.off('error', fail);
      clearTimeout(timer);
      if (error === null) resolve();
      else fail(error);
    });
  });

/** The client announces SMTPUTF8 for addresses only, not for what stands in the header, and has no option for it. */
class Connection extends SMTPConnection {
  /** For the next mail. */
  announcesUtf8 = false;
  _sendCommand(line: string): void {
    const add = this.announcesUtf8 && line.startsWith('MAIL FROM:') && !line.endsWith(' SMTPUTF8') && !line.includes(' SMTPUTF8 ');
    const send: unknown = Reflect.get(SMTPConnection.prototype, '_sendCommand');
    if (typeof send !== 'function') throw new Error('nodemailer sends commands in another way');
    Reflect.apply(send, this, [add ? `${line} SMTPUTF8` : line]);
  }
}

interface Open {
  readonly connection: Connection;
  readonly heard: Extensions;
  readonly host: string;
  readonly tls: string | null;
  readonly limits: SessionLimits;
  readonly state: { usable: boolean };
}

const transmit = async (open: Open, mail: OutgoingMail, begin: Begin): Promise<Transmitted> => {
  const { connection, heard, host, tls, limits, state } = open;
  const results = new Map<string, Transmission>();
  const utf8 = heard.has('SMTPUTF8');
  const able = utf8 ? mail.recipients : mail.utf8Header ? [] : mail.recipients.filter(isAscii);
  for (const recipient of mail.recipients) {
    if (able.includes(recipient)) continue;
    const what = isAscii(recipient) ? 'a header' : 'addresses';
    const reply = `550 5.6.7 ${host} does not take ${what} with letters beyond ASCII (RFC 6531)`;
    results.set(recipient, { type: 'refused', later: false, host, reply });
  }
  if (able.length === 0) return { results, stale: false };

  // The client writes down in it what the server accepts.
  const envelope: Partial<SMTPConnectionEnvelope> & { readonly to: string[] } = {
    from: mail.from,
    to: [...able],
    size: mail.size,
    use8BitMime: mail.eightBit,
    dsn: { envid: mail.envelopeId, ret: 'HDRS', ...(able.length === 1 && isAscii(able[0] ?? '') ? { orcpt: `rfc822;${able[0]}` } : {}) },
  };
  connection.announcesUtf8 = mail.utf8Header;
  const body = new Body(mail, () => begin(host, envelope.accepted ?? []));
  const sent = await send(connection, envelope, body.stream, limits.mailMs);
  const rejected = new Map((envelope.rejectedErrors ?? []).map((error) => [error.recipient ?? '', error]));
  // Else the peer may be in the middle of a mail.
  const between = body.state === 'untouched' || body.state === 'sent';
  if (!('response' in sent)) state.usable &&= between && (sent.failure.responseCode !== undefined || isOurs(sent.failure));
  if (!state.usable) connection.close();
  if (body.state === 'failed') throw body.fault;

  for (const recipient of able) {
    const refused = rejected.get(recipient);
    if (refused !== undefined) results.set(recipient, refusal(refused, host));
    else if ('response' in sent) results.set(recipient, { type: 'delivered', host, tls, reply: sent.response });
    else if (body.state === 'withheld') results.set(recipient, { type: 'withheld' });
    else if (body.state === 'sent' && sent.failure.responseCode === undefined) {
      results.set(recipient, { type: 'unknown', host, reply: sentenceOf(sent.failure) });
    } else results.set(recipient, refusal(sent.failure, host));
  }
  if (state.usable && !('response' in sent)) await reset(connection, state);
  const stale =
    !('response' in sent) && body.state === 'untouched' && !isOurs(sent.failure) && [undefined, 421].includes(sent.failure.responseCode);
  return { results, stale };
};

type Sent = { readonly response: string } | { readonly failure: NodemailerError };

/** Never rejects. */
const send = (connection: SMTPConnection, envelope: Partial<SMTPConnectionEnvelope>, message: Readable, ms: number): Promise<Sent> =>
  new Promise((resolve) => {
    const over = (sent: Sent): void => {
      clearTimeout(timer);
      connection.off('error', broken);
      connection.off('end', ended);
      resolve(sent);
    };
    const broken = (failure: NodemailerError): void => over({ failure });
    // After the call has told what it knows.
    const ended = (): void => void setImmediate(() => over({ failure: new Error('The server closed the connection.') }));
    const timer = setTimeout(() => {
      over({ failure: new Error('The server takes too long.') });
      connection.close();
    }, ms);
    connection.once('error', broken);
    connection.once('end', ended);
    connection.send(envelope, message, (failure, info) => over(failure === null ? { response: info.response } : { failure }));
  });

/** A mail that was refused leaves the connection for the next one. */
const reset = (connection: SMTPConnection, state: { usable: boolean }): Promise<void> =>
  new Promise((resolve) => {
    connection.reset((error) => {
      if (error !== null) state.usable = false;
      resolve();
    });
  });

/** The bytes, which are not touched before the server has said that it is ready for them. */
class Body {
  state: 'untouched' | 'withheld' | 'failed' | 'sending' | 'sent' = 'untouched';
  fault: unknown = null;
  readonly stream: Readable;

  constructor(mail: OutgoingMail, begin: () => Promise<boolean>) {
    this.stream = Readable.from(this.#bytes(mail, begin), { objectMode: false });
  }

  async *#bytes(mail: OutgoingMail, begin: () => Promise<boolean>): AsyncGenerator<Uint8Array> {
    try {
      if (!(await begin())) {
        this.state = 'withheld';
        throw new Error('withheld');
      }
      this.state = 'sending';
      yield* mail.bytes();
      this.state = 'sent';
    } catch (error) {
      if (this.state !== 'withheld') {
        this.state = 'failed';
        this.fault = error;
      }
      throw error;
    }
  }
}

const refusal = (error: NodemailerError, host: string): Transmission => {
  if (isOurs(error)) return { type: 'refused', later: false, host, reply: `${OURS[error.code ?? ''] ?? ''} ${error.message}` };
  return { type: 'refused', later: error.permanent !== true, host, reply: sentenceOf(error) };
};

/** What the client refuses by itself, before it asks: a mail larger than announced, an address that cannot be written. */
const OURS: Readonly<Record<string, string>> = { EMESSAGE: '552 5.3.4', EENVELOPE: '553 5.1.3' };
const isOurs = (error: NodemailerError): boolean => error.response === undefined && (error.code ?? '') in OURS;

/** The server's reply, or what went wrong in words. */
const sentenceOf = (error: NodemailerError): string => (error.response ?? error.message).slice(0, 1_000);

const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

/** What the server announced in its last EHLO, which the client tells its log alone. */
class Extensions {
  #announced = new Set<string>();
  readonly logger = {
    ...{ level: () => undefined, trace: () => undefined, info: () => undefined },
    ...{ warn: () => undefined, error: () => undefined, fatal: () => undefined },
    debug: (entry: { readonly tnx?: string }, text: string): void => {
      if (entry.tnx === 'client' && /^EHLO /i.test(text)) this.#announced = new Set();
      if (entry.tnx !== 'server' || !text.startsWith('250')) return;
      for (const line of text.split('\n')) this.#announced.add(/^250[ -](\S+)/.exec(line)?.[1]?.toUpperCase() ?? '');
    },
  };
  has(extension: string): boolean {
    return this.#announced.has(extension);
  }
}

const protectionOf = (connection: SMTPConnection, { type, ...demand }: TlsDemand): string | null => {
  const socket = connection._socket;
  if (!(socket instanceof TLSSocket)) return null;
  const by = type === 'dane' ? 'dane' : 'by' in demand ? demand.by : 'opportunistic';
  return `${socket.getProtocol() ?? 'TLS'} ${by}`;
};

/** The server's certificate and those that it sent along, in DER. */
const chainOf = (connection: SMTPConnection): readonly Buffer[] => {
  const socket = connection._socket;
  if (!(socket instanceof TLSSocket)) return [];
  const chain: Buffer[] = [];
  let certificate: PeerCertificate & { readonly issuerCertificate?: PeerCertificate } = socket.getPeerCertificate(true);
  while (certificate.raw !== undefined && !chain.some((one) => one.equals(certificate.raw))) {
    chain.push(certificate.raw);
    if (certificate.issuerCertificate === undefined) break;
    certificate = certificate.issuerCertificate;
  }
  return chain;
};
