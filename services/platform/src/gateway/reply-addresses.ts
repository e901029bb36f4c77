/** Reply addresses as they are configured: which secret, which tokens are given out, which are taken. */
import { createHmac } from 'node:crypto';
import { type ConversationId, derivedId, type SubjectId } from '@tidings/contracts/ids';
import {
  issueReplyToken,
  issueSeedToken,
  type ReadToken,
  readReplyToken,
  redacted,
  replyAddressOf,
  replyKeysOf,
  tokenIn,
  type TokenFault,
} from '@tidings/domain/gateway/reply-token';
import type { Either } from 'fp-ts/lib/Either.js';
import type { Platform } from '../platform.ts';

export interface ReplyAddress {
  readonly address: string;
  readonly token: string;
  /** For lists and logs. */
  readonly redacted: string;
}

export interface ReplyAddresses {
  /** For whoever has this number in the conversation, at `address` in normal form. A token of version 1 knows only conversation and time. */
  addressFor(recipient: { readonly conversationId: ConversationId; readonly number: number; readonly address: string }): ReplyAddress;
  /** The token in an address of ours; null for any other address. */
  tokenIn(address: string): string | null;
  read(token: string): Either<TokenFault, ReadToken>;
}

/** The secret is the same at all nodes, made by whoever asks first where none is configured. */
export const openReplyAddresses = async ({ config, keys, now }: Pick<Platform, 'config' | 'keys' | 'now'>): Promise<ReplyAddresses> => {
  const { replyDomain, replySecret, previousSecrets, replyTtlMs, replyToken } = config.gateway;
  const replyKeys = replyKeysOf(hmac, replySecret ?? (await ownSecret(keys)), previousSecrets);
  return {
    addressFor: ({ conversationId, number, address }) => {
      const token =
        replyToken === 'v1'
          ? issueSeedToken(replyKeys, { conversationId, issuedAt: now() })
          : issueReplyToken(replyKeys, { conversationId, number }, address);
      return { address: replyAddressOf(token, replyDomain), token, redacted: redacted(token) };
    },
    tokenIn: (address) => tokenIn(address, replyDomain),
    read: (token) => readReplyToken(replyKeys, token, { now: now(), ttlMs: replyTtlMs }),
  };
};

const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array => createHmac('sha256', key).update(data).digest();

const ownSecret = async (keys: Platform['keys']): Promise<Uint8Array> => {
  const subject = derivedId<SubjectId>('reply-address', 'secret');
  const secret = (await keys.obtain([subject])).get(subject) ?? null;
  if (secret === null) throw new Error('the secret of reply addresses was destroyed');
  return secret;
};
