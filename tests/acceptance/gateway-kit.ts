/** A town whose rooms take mail: an outsider who writes with a signature that DNS vouches for, and what members see of it. */
import type { EmailThreadMapping, HeldMail } from '@tidings/contracts/http/gateway';
import type { ConversationId } from '@tidings/contracts/ids';
import { issueReplyToken, issueSeedToken, replyAddressOf, replyKeysOf } from '@tidings/domain/gateway/reply-token';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { expect, vi } from 'vitest';
import { startDns } from '../kit/dns.ts';
import { type MailTown, openMailTown } from './mail-kit.ts';

const SECRET = 'test-secret';
export const keys = replyKeysOf((key, data) => createHmac('sha256', key).update(data).digest(), SECRET);
export const INBOX = 'inbox.tidings.test';
export const WEBHOOK_SECRET = 'webhook-secret';
export const soon = { timeout: 20_000, interval: 20 };

export interface Conversation {
  readonly roomId: ConversationId;
  /** The outsider's id. */
  readonly grace: string;
  /** Grace's reply address. */
  readonly address: string;
}

export interface Shown {
  readonly messageId: string;
  readonly senderId: string;
  readonly msgBody: { readonly text?: string; readonly mediaUrl?: string; readonly altText?: string };
}

export type Who = 'alice' | 'bob' | 'postmaster';

export interface GatewayTown {
  readonly town: MailTown<Who>;
  /** Of the signature of mail from example.org. */
  readonly dkim: { readonly domainName: string; readonly keySelector: string; readonly privateKey: string };
  /** A group of Alice and Bob, with an outsider who writes from `email`. */
  readonly conversation: (email?: string) => Promise<Conversation>;
  /** By SMTP. @returns what the server said */
  readonly deliver: (mail: SendMailOptions, signed?: boolean) => Promise<string>;
  /** The same, and what it said where it refused. */
  readonly answerTo: (mail: SendMailOptions, signed?: boolean) => Promise<string>;
  /** What was said in a room, without who came and went. */
  readonly timeline: (roomId: string) => Promise<readonly Shown[]>;
  /** Its texts, or addresses of files, sorted. */
  readonly texts: (roomId: string) => Promise<readonly (string | undefined)[]>;
  readonly arrives: (roomId: string, ...expected: readonly string[]) => Promise<void>;
  readonly mappings: (threadId: string) => Promise<readonly EmailThreadMapping[]>;
  readonly held: (threadId: string, who?: 'alice' | 'bob') => Promise<readonly HeldMail[]>;
  /** A webhook's call, signed as the seed has it. */
  readonly post: (body: string, headers?: Readonly<Record<string, string>>, path?: string) => Promise<Response>;
  readonly close: () => Promise<void>;
}

/** An address by a token of the seed's kind. */
export const seedAddress = (conversationId: ConversationId, issuedAt = Date.now()): string =>
  replyAddressOf(issueSeedToken(keys, { conversationId, issuedAt }), INBOX);

export const openGatewayTown = async (
  env: Readonly<Record<string, string>>,
  options: { readonly restarts?: boolean } = {},
): Promise<GatewayTown> => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const dkim = { domainName: 'example.org', keySelector: 'k', privateKey };
  const dns = await startDns({ 'k._domainkey.example.org TXT': `v=DKIM1; k=rsa; p=${publicKey.replace(/-----[^-]+-----|\s/g, '')}` });
  const town = await openMailTown(
    ['alice', 'bob', 'postmaster'],
    {
      ...{ DNS_SERVERS: dns.address, EMAIL_REPLY_SECRET: SECRET, EMAIL_OUTBOUND_ENABLED: 'off' },
      ...{ EMAIL_WEBHOOK_SECRET: WEBHOOK_SECRET, EMAIL_POSTMARK_CREDENTIALS: 'user:password', ...env },
    },
    {},
    options,
  );

  const conversation: GatewayTown['conversation'] = async (email = 'grace@example.org') => {
    const { alice, bob } = town.as;
    const { id: roomId } = await alice.ask<{ id: ConversationId }>('POST', '/api/rooms/create-room', {
      ...{ roomType: 'Group', roomName: 'The fair', invitedUsers: [alice.id, bob.id] },
    });
    const participant = await alice.ask<{ userId: string; email: string }>('POST', `/api/rooms/${roomId}/email-participants`, {
      ...{ email: email.toUpperCase(), name: 'Grace Hopper' },
    });
    expect(participant.email).toBe(email);
    const token = issueReplyToken(keys, { conversationId: roomId, number: 1 }, email);
    return { roomId, grace: participant.userId, address: replyAddressOf(token, INBOX) };
  };

  const deliver: GatewayTown['deliver'] = async (mail, signed = true) => {
    const transport = createTransport({
      ...{ host: '127.0.0.1', port: town.program.smtpPort, tls: { rejectUnauthorized: false } },
      ...(signed ? { dkim } : {}),
    });
    try {
      const { response } = await transport.sendMail({ from: 'Grace Hopper <grace@example.org>', subject: 'Re: The fair', ...mail });
      return response;
    } finally {
      transport.close();
    }
  };
  const timeline: GatewayTown['timeline'] = async (roomId) =>
    (await town.as.alice.ask<readonly Shown[]>('GET', `/api/rooms/${roomId}/timeline?pageSize=100`)).filter(
      ({ msgBody }) => 'text' in msgBody || 'mediaUrl' in msgBody,
    );
  const texts: GatewayTown['texts'] = async (roomId) =>
    (await timeline(roomId)).map(({ msgBody }) => msgBody.text ?? msgBody.mediaUrl).toSorted();

  return {
    ...{ town, dkim, conversation, deliver, timeline, texts },
    answerTo: (mail, signed) => deliver(mail, signed).catch((error: unknown) => (error instanceof Error ? error.message : '')),
    arrives: (roomId, ...expected) => vi.waitFor(async () => expect(await texts(roomId)).toEqual(expected.toSorted()), soon),
    mappings: (threadId) => town.as.alice.ask('GET', `/gateway/mappings?threadId=${threadId}`),
    held: (threadId, who = 'alice') => town.as[who].ask('GET', `/gateway/held?threadId=${threadId}`),
    post: (body, headers = {}, path = '/gateway/inbound') => {
      const signature = createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex');
      return fetch(`${town.program.httpUrl}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-webhook-signature': signature, ...headers },
        body,
      });
    },
    close: async () => {
      await town.close();
      await dns.close();
    },
  };
};
