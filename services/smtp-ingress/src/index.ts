/** The door for mail (mail-contract §4): RFC 5321 with PIPELINING, SIZE, 8BITMIME, SMTPUTF8, ENHANCEDSTATUSCODES and STARTTLS. No AUTH here. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import type { BlobId } from '@tidings/contracts/ids';
import { recordSpan } from '@tidings/infra/telemetry/spans';
import { newTrace, withTrace } from '@tidings/infra/telemetry/trace-context';
import type { SMTPServer, SMTPServerDataStream, SMTPServerEnvelope, SMTPServerOptions, SMTPServerSession } from 'smtp-server';
import type { Platform, Service, ServiceHealth } from '../../platform/src/platform.ts';
import { cameBackTo, returnPathSecret } from '../../platform/src/return-path.ts';
import { removeUnusedBlobs } from '../../platform/src/unused-blobs.ts';
import { accept, type Accepted, type Transaction } from './accept.ts';
import { selfSigned, type Certificate } from './certificate.ts';
import { Door } from './door.ts';
import { createMeasures } from './measures.ts';
import { BadProxyHeader } from './proxy-header.ts';
import { gatewayAddresses } from './gateway-addresses.ts';
import { findRecipientIn, type Recipient } from './recipients.ts';
import { refusalsOf, type Sender } from './refusals.ts';
import { asReply, isOutage, Reply, replies } from './reply.ts';

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
  const { mailDomains: domains } = config;
  const secret = await returnPathSecret(platform.keys);
  const findRecipient = findRecipientIn(platform.commands, {
    domains,
    maxRecipients: config.smtp.maxRecipients,
    refuse: refusalsOf(platform),
    returning: cameBackTo(secret),
    gateway: await gatewayAddresses(platform),
  });
  /**
   * Of the mail under way, filled at RCPT and read at DATA; each mail has an envelope object of its own. smtp-server's own list is no help: it
   * folds more letters than ASCII, so it takes two recipients for one.
   */
  const recipients = new WeakMap<SMTPServerEnvelope, Map<string, Recipient>>();
  const unknown = new WeakMap<SMTPServerSession, number>();
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

  const recipient = async (address: string, session: SMTPServerSession): Promise<void> => {
    const known = recipients.get(session.envelope) ?? new Map<string, Recipient>();
    recipients.set(session.envelope, known);
    try {
      await findRecipient(address, known, senderOf(session));
    } catch (error) {
      const isGuess = error instanceof Reply && error.message.startsWith('5.1.1 ');
      const guesses = (unknown.get(session) ?? 0) + (isGuess ? 1 : 0);
      unknown.set(session, guesses);
      throw guesses > config.smtp.maxUnknownRecipients ? replies.tooManyUnknownRecipients() : error;
    }
  };

  const discard = (blob: BlobId): void => {
    removeUnusedBlobs(platform, [blob]).catch((error: unknown) =>
      logger.warn({ err: error }, 'the bytes of a mail for nobody could not be removed'),
    );
  };

  const message = async (stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string> => {
    const trace = newTrace();
    const startedAt = platform.now();
    let failure: unknown;
    receiving += 1;
    const finished = measures.started();
    try {
      const transaction = transactionOf(session, [...(recipients.get(session.envelope)?.values() ?? [])], trace.traceId);
      const accepted = await withTrace(trace, () =>
        accept(stream, transaction, { ...platform, maxBytes: config.smtp.maxMessageBytes, discard }),
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

  const options: SMTPServerOptions = {
    name: serverName(config.mailDomains),
    ...(await certificate(config.smtp.tls, serverName(config.mailDomains), platform.now())),
    size: config.smtp.maxMessageBytes,
    socketTimeout: config.smtp.idleTimeoutMs,
    closeTimeout: STOP_WITHIN_MS,
    maxCommandLength: 4096,
    disabledCommands: ['AUTH', 'XCLIENT', 'XFORWARD', 'WIZ', 'SHELL', 'KILL'],
    hideENHANCEDSTATUSCODES: false,
    disableReverseLookup: true,
    rejectOversized: true,
    logger: false,
    onRcptTo: ({ address }, session, callback) =>
      void recipient(address, session).then(
        () => callback(),
        (error: unknown) => callback(refused(error)),
      ),
    onData: (stream, session, callback) =>
      void message(stream, session).then(
        (reply) => callback(null, reply),
        (error: unknown) => callback(refused(error)),
      ),
  };
  const server = new Door(options, { limits: config.smtp, now: platform.now, refused });
  server.on('error', (error) => {
    // Ours to mend, or the proxy's; resets, broken handshakes and the like are the peer's business.
    if (error instanceof BadProxyHeader) logger.warn({ err: error }, 'a proxy of SMTP_PROXY_NETWORKS sent no good PROXY header');
    else logger.debug({ err: error }, 'smtp session ended by an error');
  });

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

/** smtp-server reports listen errors as an event of its own; here it must fail the start. */
const failing = async (server: SMTPServer): Promise<never> => {
  const [error] = (await once(server, 'error', { signal: AbortSignal.timeout(10_000) })) as [Error];
  throw error;
};

const senderOf = ({ envelope: { mailFrom }, remoteAddress: clientAddress }: SMTPServerSession): Sender => {
  if (mailFrom === false) return { mailFrom: '', size: 0, clientAddress };
  // RFC 1870 §3; smtp-server gives the parameters of MAIL as text by name, or false.
  const { SIZE } = mailFrom.args as { readonly SIZE?: string };
  const size = Number(SIZE ?? 0);
  return { mailFrom: mailFrom.address, size: Number.isSafeInteger(size) && size > 0 ? size : 0, clientAddress };
};

const transactionOf = (session: SMTPServerSession, recipients: readonly Recipient[], traceId: string): Transaction => ({
  mailFrom: session.envelope.mailFrom === false ? '' : session.envelope.mailFrom.address.toWellFormed(),
  helo: session.hostNameAppearsAs.toWellFormed(),
  clientAddress: session.remoteAddress,
  recipients: recipients.map(({ mailboxId, address }) => ({ mailboxId, address: address.toWellFormed() })),
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
