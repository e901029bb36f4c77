import type { ConversationId } from '@tidings/contracts/ids';
import * as fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type Hmac,
  issueReplyToken,
  issueSeedToken,
  type ReadToken,
  readReplyToken,
  redacted,
  replyAddressOf,
  replyKeysOf,
  tokenIn,
} from './reply-token.ts';

const hmac: Hmac = (key, data) => createHmac('sha256', key).update(data).digest();
const keys = replyKeysOf(hmac, 'test-secret');
const conversationId = '123e4567-e89b-12d3-a456-426614174000' as ConversationId;
const issuedAt = 1_703_001_234_567;
const DAY = 86_400_000;
const time = { now: issuedAt, ttlMs: 365 * DAY };
const KNOWN = 'MTIzZTQ1NjctZTg5Yi0xMmQzLWE0NTYtNDI2NjE0MTc0MDAwOjE3MDMwMDEyMzQ1Njc6YWFmN2E4NmZkMWYzNTgzNA';

const claimsOf = (read: E.Either<unknown, ReadToken>) => (E.isRight(read) && read.right.version === 'v2' ? read.right.claims : []);
const good = (token: string, address: string, by = keys) =>
  claimsOf(readReplyToken(by, token, time)).some(
    (claim) => claim.isFor(address) && claim.conversationId === conversationId && claim.number === 7,
  );

describe("the seed's format", () => {
  it('is the known answer, and reads as what it says', () => {
    expect(issueSeedToken(keys, { conversationId, issuedAt })).toBe(KNOWN);
    expect(readReplyToken(keys, KNOWN, time)).toEqual(E.right({ version: 'v1', conversationId, issuedAt }));
  });

  it('is good up to and including its time, and not before it was made', () => {
    const at = (now: number) => readReplyToken(keys, KNOWN, { ...time, now });
    expect(E.isRight(at(issuedAt + 365 * DAY))).toBe(true);
    expect(at(issuedAt + 365 * DAY + 1)).toEqual(E.left('expired'));
    expect(E.isRight(at(issuedAt - 300_000))).toBe(true);
    expect(at(issuedAt - 300_001)).toEqual(E.left('from-the-future'));
  });

  it('has one spelling: every other letter at any place, a truncation or an addition is refused', () => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    for (let at = 0; at < KNOWN.length; at += 1) {
      for (const letter of letters) {
        const other = KNOWN.slice(0, at) + letter + KNOWN.slice(at + 1);
        if (other !== KNOWN) expect(E.isLeft(readReplyToken(keys, other, time)), other).toBe(true);
      }
      expect(E.isLeft(readReplyToken(keys, KNOWN.slice(0, at), time))).toBe(true);
    }
    for (const other of [`${KNOWN}=`, `${KNOWN}A`, ` ${KNOWN}`, KNOWN.toLowerCase(), KNOWN.repeat(9), '']) {
      expect(E.isLeft(readReplyToken(keys, other, time)), other).toBe(true);
    }
  });

  it('is strict about what it signs', () => {
    const signed = (text: string) =>
      Buffer.from(`${text}:${createHmac('sha256', 'test-secret').update(text).digest('hex').slice(0, 16)}`).toString('base64url');
    expect(E.isRight(readReplyToken(keys, signed(`${conversationId}:${issuedAt}`), time))).toBe(true);
    for (const text of [
      `${conversationId.toUpperCase()}:${issuedAt}`,
      `${conversationId}:0${issuedAt}`,
      `${conversationId}: ${issuedAt}`,
      `x:${issuedAt}`,
    ])
      expect(readReplyToken(keys, signed(text), time)).toEqual(E.left('malformed'));
  });
});

describe('our format', () => {
  const token = issueReplyToken(keys, { conversationId, number: 7 }, 'grace@example.org');

  it('fits into a local part, and has no case', () => {
    expect(Buffer.byteLength(replyAddressOf(token, 'x').split('@')[0] ?? '')).toBe(62);
    expect(token).toMatch(/^[a-z2-7]{56}$/);
    expect([good(token, 'grace@example.org'), good(token.toUpperCase(), 'grace@example.org')]).toEqual([true, true]);
  });

  it('is bound to conversation, number and recipient, and shows none of them', () => {
    expect(good(token, 'mallory@example.org')).toBe(false);
    const next = issueReplyToken(keys, { conversationId, number: 8 }, 'grace@example.org');
    expect(next.slice(2, 20)).not.toBe(token.slice(2, 20));
    expect(Buffer.from(token).includes('123e4567')).toBe(false);
  });

  it('any other letter anywhere, or fewer of them, is good for nobody', () => {
    for (let at = 0; at < token.length; at += 1) {
      for (const letter of 'abcdefghijklmnopqrstuvwxyz234567018-_=') {
        const other = token.slice(0, at) + letter + token.slice(at + 1);
        if (other !== token) expect(good(other, 'grace@example.org'), other).toBe(false);
      }
      expect(good(token.slice(0, at), 'grace@example.org')).toBe(false);
    }
  });

  it('outlives a change of the secret for as long as the old one is listed', () => {
    const rotated = replyKeysOf(hmac, 'new', ['other', 'test-secret']);
    expect(good(token, 'grace@example.org', rotated)).toBe(true);
    expect(E.isRight(readReplyToken(rotated, KNOWN, time))).toBe(true);
    const without = replyKeysOf(hmac, 'new', ['other']);
    expect([good(token, 'grace@example.org', without), readReplyToken(without, KNOWN, time)]).toEqual([false, E.left('forged')]);
  });

  it('reads back whatever it was made of', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 1, max: 65_535 }), fc.string(), fc.string(), (id, number, address, secret) => {
        const own = replyKeysOf(hmac, secret);
        const made = issueReplyToken(own, { conversationId: id as ConversationId, number }, address);
        const [claim] = claimsOf(readReplyToken(own, made, time));
        expect([claim?.conversationId, claim?.number, claim?.isFor(address)]).toEqual([id, number, true]);
      }),
    );
  });

  it('takes any text without a throw', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(E.isLeft(readReplyToken(keys, text, time))).toBe(true);
      }),
    );
  });
});

describe('a reply address', () => {
  it('is known by prefix and domain in any case, and is at one domain only', () => {
    expect(tokenIn('Reply+AbC@Inbox.Tidings.test', 'inbox.tidings.test')).toBe('AbC');
    for (const other of ['reply+abc@tidings.test', 'replyabc@inbox.tidings.test', 'bounce+abc@inbox.tidings.test', 'reply+abc', 'x'])
      expect(tokenIn(other, 'inbox.tidings.test')).toBeNull();
    expect(redacted(KNOWN)).toBe(`${KNOWN.slice(-6)}…`);
  });
});
