/**
 * smtp-server with our sessions, our proxies and our patience. When all places are taken, whoever keeps us waiting longest makes room, so
 * that clients which hold sessions open without using them shut nobody else out.
 */
import { randomUUID } from 'node:crypto';
import { BlockList, isIPv6, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Config } from '@tidings/infra/config/config';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import { Clients } from './clients.ts';
import { BadProxyHeader, readProxyHeader } from './proxy-header.ts';
import { replies, type Reply } from './reply.ts';
import { Session, type House } from './session.ts';

/** A client that keeps us waiting for less makes room for nobody. */
const PATIENCE_MS = 10_000;
/** The protocol asks for three seconds at least; a proxy sends its header with the connection. */
const HEADER_WITHIN_MS = 10_000;

type ProxyCallback = (error: Error | null, options?: SMTPConnectionOptions & { id: string }) => void;

export class Door extends SMTPServer implements House {
  readonly limits: Config['smtp'];
  readonly now: () => number;
  /** Told of each session that may not begin. */
  readonly #refused: (reply: Reply) => void;
  readonly #clients: Clients;
  readonly #proxies: BlockList;
  readonly #rounds: NodeJS.Timeout;

  constructor(
    options: SMTPServerOptions,
    { limits, now, refused }: { readonly limits: Config['smtp']; readonly now: () => number; readonly refused: (reply: Reply) => void },
  ) {
    super(options);
    this.limits = limits;
    this.now = now;
    this.#refused = refused;
    this.#clients = new Clients({ maxSessions: limits.maxSessionsPerClient, newPerMinute: limits.maxNewSessionsPerClient });
    this.#proxies = networks(limits.proxyNetworks);
    const every = Math.min(5_000, Math.ceil(Math.min(limits.idleTimeoutMs, limits.dataTimeoutMs) / 10));
    this.#rounds = setInterval(() => this.#endOverdue(), every).unref();
  }

  override connect(socket: Socket | TLSSocket, options?: SMTPConnectionOptions | null): void {
    const session = new Session(this, this, socket, options ?? undefined);
    this.connections.add(session);
    session.on('error', (error: Error) => this.emit('error', error));
    session.init();
  }

  admit(session: Session): Reply | null {
    const refusal = this.#refusalOf(session);
    if (refusal !== null) this.#refused(refusal);
    return refusal;
  }

  #refusalOf(session: Session): Reply | null {
    const refusal = this.#clients.enter(session.id, session.remoteAddress);
    if (refusal !== null) return refusal;
    if (this.connections.size <= this.limits.maxSessions || this.#dismissSlowest()) return null;
    this.#clients.leave(session.id);
    return replies.full();
  }

  left(session: Session): void {
    this.#clients.leave(session.id);
  }

  /** Sessions between messages have nothing to wait for. */
  dismissIdle(): void {
    clearInterval(this.#rounds);
    for (const session of this.#sessions()) if (!session.isReceiving) session.send(421, '4.3.2 Server is shutting down');
  }

  override _expectsProxyHeader({ remoteAddress }: Socket): boolean {
    return remoteAddress !== undefined && this.#proxies.check(remoteAddress, isIPv6(remoteAddress) ? 'ipv6' : 'ipv4');
  }

  /** The library's own knows version 1 alone. */
  override _handleProxy(socket: Socket, callback: ProxyCallback): void {
    const id = randomUUID();
    if (!this._expectsProxyHeader(socket)) {
      setImmediate(callback, null, { id });
      return;
    }
    const refuse = (error: Error): void => {
      settle();
      socket.on('error', () => undefined).destroy();
      this.emit('error', error);
      callback(error);
    };
    const leave = (): void => refuse(new Error('the peer left before its PROXY header was whole'));
    const tooLate = setTimeout(() => refuse(new BadProxyHeader('none in time')), HEADER_WITHIN_MS).unref();
    let bytes = Buffer.alloc(0);
    const read = (): void => {
      try {
        for (let piece = pieceOf(socket); piece !== null; piece = pieceOf(socket)) {
          bytes = Buffer.concat([bytes, piece]);
          const header = readProxyHeader(bytes);
          if (header === null) continue;
          settle();
          if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length));
          callback(null, { id, ...(header.source && { remoteAddress: header.source.address, remotePort: header.source.port }) });
          return;
        }
      } catch (error) {
        refuse(error instanceof Error ? error : new Error(String(error)));
      }
    };
    const settle = (): void => {
      clearTimeout(tooLate);
      socket.off('readable', read).off('error', leave).off('close', leave).off('end', leave);
    };
    socket.on('readable', read).on('error', leave).on('close', leave).on('end', leave);
  }

  *#sessions(): Generator<Session> {
    for (const session of this.connections) if (session instanceof Session) yield session;
  }

  #endOverdue(): void {
    const now = this.now();
    for (const session of this.#sessions()) session.endIfOverdue(now);
  }

  /** @returns whether there was one to dismiss */
  #dismissSlowest(): boolean {
    const now = this.now();
    let slowest: Session | null = null;
    let longest = PATIENCE_MS;
    for (const session of this.#sessions()) {
      const behind = session.behindMs(now);
      if (behind <= longest) continue;
      longest = behind;
      slowest = session;
    }
    slowest?.send(421, '4.3.2 You were silent for long and others wait, please try again later');
    return slowest !== null;
  }
}

/** What has arrived, or null. */
const pieceOf = (socket: Socket): Buffer | null => socket.read() as Buffer | null; // sockets without an encoding give buffers

const networks = (list: readonly string[]): BlockList => {
  const found = new BlockList();
  for (const network of list) {
    const [address = '', bits] = network.split('/');
    found.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return found;
};
