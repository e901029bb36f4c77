import { BlobNotFound, BlobStoreUnavailable, BlobTooLarge } from '@tidings/contracts/ports/blob-store';
import { EventTooLarge, LogUnavailable, Overloaded } from '@tidings/contracts/ports/event-log';
import type { StreamId } from '@tidings/contracts/ids';
import { TooManyConflicts } from '@tidings/infra/commands/create-commands';
import { ProjectionUnavailable } from '@tidings/infra/projector/live-schema';
import * as E from 'fp-ts/lib/Either.js';
import { createServer } from 'node:net';
import pg from 'pg';
import { pino } from 'pino';
import { createPool, sql } from 'slonik';
import { WordIndexMissing, WordIndexUnavailable } from '@tidings/contracts/ports/word-index';
import { describe, expect, it } from 'vitest';
import { openReadPool } from '@tidings/infra/postgres/pools';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { ApiError, toApiError } from './errors.ts';
import { orReject, rejections } from './rejections.ts';

const withCode = (code: string): Error => Object.assign(new Error('boom'), { code });

describe('what goes wrong behind us', () => {
  it.each<[string, unknown, number, string]>([
    ['a full queue', new Overloaded(), 503, 'SERVICE_UNAVAILABLE'],
    ['a log that is away', new LogUnavailable('not-applied', null), 503, 'SERVICE_UNAVAILABLE'],
    ['too many conflicts', new TooManyConflicts('room-1' as StreamId, 8), 503, 'SERVICE_UNAVAILABLE'],
    ['an event too large', new EventTooLarge(1), 413, 'CONTENT_TOO_LARGE'],
    ['a blob too large', new BlobTooLarge(), 413, 'CONTENT_TOO_LARGE'],
    ['a lost blob', new BlobNotFound(), 404, 'CONTENT_NOT_FOUND'],
    ['a search index that is away', new WordIndexUnavailable(), 503, 'SERVICE_UNAVAILABLE'],
    ['a search index that is gone', new WordIndexMissing(), 503, 'SERVICE_UNAVAILABLE'],
    ['blobs away', new BlobStoreUnavailable(), 503, 'SERVICE_UNAVAILABLE'],
    ['a read model that was never started', new ProjectionUnavailable('timeline'), 503, 'SERVICE_UNAVAILABLE'],
    ['Postgres shutting down', withCode('57P01'), 503, 'SERVICE_UNAVAILABLE'],
    ['Postgres starting', withCode('57P03'), 503, 'SERVICE_UNAVAILABLE'],
    ['Postgres refusing', new Error('wrapped', { cause: withCode('ECONNREFUSED') }), 503, 'SERVICE_UNAVAILABLE'],
    ['a lost connection', new Error('Connection terminated unexpectedly'), 503, 'SERVICE_UNAVAILABLE'],
    ['a column that is not there', withCode('42703'), 500, 'UNEXPECTED_ERROR'],
    ['a wrong statement', withCode('42601'), 500, 'UNEXPECTED_ERROR'],
    ['anything else', 'thrown text', 500, 'UNEXPECTED_ERROR'],
  ])('%s', (_, thrown, status, code) => {
    const error = toApiError(thrown);
    expect([error.status, error.code, error.headers['retry-after']]).toEqual([status, code, status === 503 ? '1' : undefined]);
  });

  it('tells to use the same key when the outcome is unknown', () => {
    expect(toApiError(new LogUnavailable('unknown', null)).message).toContain('same Idempotency-Key');
  });

  it('says which read models are being built in another version when their tables do not fit yet', () => {
    const wrapped = new Error('query failed', { cause: withCode('42703') });
    const error = toApiError(wrapped, ['timeline', 'rooms']);
    expect([error.code, error.headers]).toEqual(['SERVICE_UNAVAILABLE', { 'retry-after': '5' }]);
    expect(error.message).toContain('(timeline, rooms)');
    expect(toApiError(withCode('42601'), ['timeline']).code).toBe('UNEXPECTED_ERROR');
  });

  it('knows tables that do not fit through slonik', async () => {
    const database = await createTestDatabase();
    const read = await openReadPool({ url: database.url, name: 'errors-test', max: 1, logger: pino({ level: 'silent' }) });
    for (const query of [sql.unsafe`select nothing from pg_class`, sql.unsafe`select from nothing`, sql.unsafe`select nothing(1)`]) {
      const thrown: unknown = await read.any(query).catch((error: unknown) => error);
      expect([toApiError(thrown, ['timeline']).code, toApiError(thrown).code]).toEqual(['SERVICE_UNAVAILABLE', 'UNEXPECTED_ERROR']);
    }
    await read.end();
    await database.drop();
  });

  it('knows a Postgres that is not there, through pg and through slonik', async () => {
    const nobody = createServer();
    await new Promise<void>((resolve) => nobody.listen(0, '127.0.0.1', resolve));
    const { port } = nobody.address() as { port: number }; // it listens on TCP
    await new Promise((resolve) => nobody.close(resolve));
    const url = `postgresql://nobody@127.0.0.1:${port}/none`;
    const plain = new pg.Pool({ connectionString: url });
    const thrown = await Promise.all([
      plain.query('select 1').catch((error: unknown) => error),
      createPool(url, { connectionRetryLimit: 0 }).catch((error: unknown) => error),
    ]);
    expect(thrown.map((error) => toApiError(error).code)).toEqual(['SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE']);
    await plain.end();
  });
});

describe('rejections', () => {
  it('all have a code and a sentence', () => {
    for (const [type, { says }] of Object.entries(rejections)) expect(says, type).toMatch(/^[A-Za-z].*\.$/);
  });

  it('may get another code from a route', () => {
    const left = E.left({ type: 'NoSuchMailbox', mailboxId: '' as never } as const);
    const codeOf = (run: () => unknown): unknown => {
      try {
        return run();
      } catch (thrown) {
        return thrown instanceof ApiError ? thrown.code : thrown;
      }
    };
    expect(codeOf(() => orReject(left))).toBe('CONTENT_NOT_FOUND');
    expect(codeOf(() => orReject(left, { NoSuchMailbox: 'INSUFFICIENT_PERMISSIONS' }))).toBe('INSUFFICIENT_PERMISSIONS');
    expect(codeOf(() => orReject(E.right(7)))).toBe(7);
  });
});
