/** The door for mail (mail-contract §4): RFC 5321 with PIPELINING, SIZE, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES and STARTTLS. No AUTH here. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo, Socket } from 'node:net';
import { hostname } from 'node:os';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import type { MailboxId } from '@tidings/contracts/ids';
import { recordSpan } from '@tidings/infra/telemetry/spans';
import { newTrace, withTrace } from '@tidings/infra/telemetry/trace-context';
import { SMTPServer, type SMTPServerAddress, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import type { Platform, Service, ServiceHealth } from '../../platform/src/platform.ts';
import { accept, type Accepted, type Transaction } from './accept.ts';
import { selfSigned, type Certificate } from './certificate.ts';
import { createMeasures } from './measures.ts';
import { findMailboxIn } from './recipients.ts';
import { asReply, isOutage, Reply, replies } from './reply.ts';
import { Session } from './session.ts';

/** How long a stop waits for messages that are under way. */
const STOP_WITHIN_MS = 5_000;

export interface SmtpIngress extends Service {
  /** The real one, when the configured one was 0. */
  readonly port: number;
}

/** Starts listening; resolves when it does. */
export const startSmtpIngress = async (platform: Platform): Promise<SmtpIngress> => {
  const { config, logger: root } = platform;
  const logger = root.child({ service: 'smtp-ingress' });
  const measures = createMeasures(platform.metrics);
  const findMailbox = findMailboxIn(platform.commands, config.mailDomains);
  const perClient = countPerClient(config.smtp.maxSessionsPerClient);
  /** Filled at RCPT, read at DATA; smtp-server keeps the same objects in between. */
  const mailboxes = new WeakMap<SMTPServerAddress, MailboxId>();
  let lastProgressAt: number | null = null;
  let outage: string | null = null;
  let receiving = 0;

  const refused = (error: unknown): Reply => {
    const reply = asReply(error, config.smtp.maxMessageBytes);
    if (isOutage(error)) outage = error instanceof Error ? error.message : 'a store';
    if (reply.responseCode === 451) logger.warn({ err: error }, 'mail put off: a store is out of reach');
    measures.refused(reply.message.split(' ', 1)[0] ?? '');
    return reply;
  };

  const recipient = async (address: SMTPServerAddress): Promise<void> => {
    mailboxes.set(address, await findMailbox(address.address));
  };

  const message = async (stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string> => {
    const trace = newTrace();
    const startedAt = platform.now();
    let failure: unknown;
    receiving += 1;
    const finished = measures.started();
    try {
      const transaction = transactionOf(session, mailboxes, trace.traceId);
      const accepted = await withTrace(trace, () =>
        accept(stream, transaction, { blobs: platform.blobs, commands: platform.commands, maxBytes: config.smtp.maxMessageBytes }),
      );
      lastProgressAt = platform.now();
      outage = null;
      finished(accepted.blob.size);
      logger.info(logged(accepted, transaction), 'mail accepted');
      return `2.0.0 Ok: queued as ${accepted.emailId}`;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      receiving -= 1;
      recordSpan({
        name: 'smtp mail',
        traceId: trace.traceId,
        kind: 'root',
        startedAt,
        endedAt: platform.now(),
        error: failure instanceof Error ? failure.name : undefined,
      });
    }
  };

  const server = new Door({
    name: serverName(config.mailDomains),
    ...(await certificate(config.smtp.tls, serverName(config.mailDomains), platform.now())),
    size: config.smtp.maxMessageBytes,
    maxRecipients: config.smtp.maxRecipients,
    maxClients: config.smtp.maxSessions,
    socketTimeout: config.smtp.idleTimeoutMs,
    closeTimeout: STOP_WITHIN_MS,
    maxCommandLength: 4096,
    disabledCommands: ['AUTH', 'XCLIENT', 'XFORWARD', 'WIZ', 'SHELL', 'KILL'],
    hideENHANCEDSTATUSCODES: false,
    disableReverseLookup: true,
    rejectOversized: true,
    logger: false,
    onConnect: (session, callback) => callback(perClient.enter(session) ? null : replies.tooManySessions()),
    onClose: (session) => perClient.leave(session),
    onRcptTo: (address, _session, callback) =>
      void recipient(address).then(
        () => callback(),
        (error: unknown) => callback(refused(error)),
      ),
    onData: (stream, session, callback) =>
      void message(stream, session).then(
        (reply) => callback(null, reply),
        (error: unknown) => callback(refused(error)),
      ),
  });
  // Resets, broken handshakes and the like: the peer's business, and the session is gone.
  server.on('error', (error) => logger.debug({ err: error }, 'smtp session ended by an error'));

  server.listen(config.smtp.port, config.smtp.host);
  await Promise.race([once(server.server, 'listening'), failing(server)]);
  const { port } = server.server.address() as AddressInfo; // it listens on TCP
  measures.watchSessions(() => server.connections.size);
  logger.info({ host: config.smtp.host, port }, 'smtp door is open');

  return {
    name: 'smtp-ingress',
    port,
    health: (): ServiceHealth => ({
      state: receiving > 0 ? 'working' : 'idle',
      lastProgressAt,
      waitingOn: outage,
      detail: { sessions: server.connections.size, receiving },
    }),
    stop: async () => {
      const closed = promisify((done: () => void) => server.close(done))();
      server.dismissIdle();
      await closed;
      measures.close();
    },
  };
};

/** smtp-server with our sessions. */
class Door extends SMTPServer {
  override connect(socket: Socket | TLSSocket, options?: SMTPConnectionOptions | null): void {
    const session = new Session(this, socket, options ?? undefined);
    this.connections.add(session);
    session.on('error', (error: Error) => this.emit('error', error));
    session.init();
  }

  /** Sessions between messages have nothing to wait for. */
  dismissIdle(): void {
    for (const session of this.connections) {
      if (session instanceof Session && !session.isReceiving) session.send(421, '4.3.2 Server is shutting down');
    }
  }
}

/** smtp-server reports listen errors as an event of its own; here it must fail the start. */
const failing = async (server: SMTPServer): Promise<never> => {
  const [error] = (await once(server, 'error', { signal: AbortSignal.timeout(10_000) })) as [Error];
  throw error;
};

const transactionOf = (session: SMTPServerSession, mailboxes: WeakMap<SMTPServerAddress, MailboxId>, traceId: string): Transaction => ({
  mailFrom: session.envelope.mailFrom === false ? '' : session.envelope.mailFrom.address.toWellFormed(),
  helo: session.hostNameAppearsAs.toWellFormed(),
  clientAddress: session.remoteAddress,
  recipients: session.envelope.rcptTo.flatMap((address) => {
    const mailboxId = mailboxes.get(address);
    return mailboxId === undefined ? [] : [{ mailboxId, address: address.address.toWellFormed() }];
  }),
  traceId,
});

/** No addresses: they are personal, and logs outlive people's wishes. */
const logged = ({ emailId, blob }: Accepted, { recipients, clientAddress, traceId }: Transaction): object => ({
  emailId,
  size: blob.size,
  recipients: recipients.length,
  clientAddress,
  trace_id: traceId,
});

const serverName = (domains: readonly string[]): string => (hostname().includes('.') ? hostname() : `mail.${domains[0] ?? 'localhost'}`);

const certificate = async (
  files: { readonly keyFile: string; readonly certFile: string } | null,
  host: string,
  now: number,
): Promise<Certificate> => {
  if (files === null) return selfSigned(host, now);
  const [key, cert] = await Promise.all([readFile(files.keyFile, 'utf8'), readFile(files.certFile, 'utf8')]);
  return { key, cert };
};

const countPerClient = (max: number): { enter(session: SMTPServerSession): boolean; leave(session: SMTPServerSession): void } => {
  const counts = new Map<string, number>();
  /** A session that was refused at the door is closed without having been counted. */
  const inside = new Map<string, string>();
  return {
    enter: ({ id, remoteAddress }) => {
      const count = (counts.get(remoteAddress) ?? 0) + 1;
      if (count > max) return false;
      counts.set(remoteAddress, count);
      inside.set(id, remoteAddress);
      return true;
    },
    leave: ({ id }) => {
      const address = inside.get(id);
      if (address === undefined) return;
      inside.delete(id);
      const left = (counts.get(address) ?? 1) - 1;
      if (left > 0) counts.set(address, left);
      else counts.delete(address);
    },
  };
};
