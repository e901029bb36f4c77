/** Read-your-writes over HTTP (architecture §4): commands answer when their projections have caught up, queries may ask to wait. */
import type { Position } from '@tidings/contracts/ports/event-log';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Platform } from '../../platform/src/platform.ts';
import type { Ctx } from './ctx.ts';
import { ApiError, invalid } from './errors.ts';

/** A projection is a few ms behind; five seconds is an outage, and the caller should hear of it while still listening. */
export const SETTLE_BUDGET_MS = 5_000;
/** A query has done nothing yet, so it is cheaper to let it come again. */
export const READ_BUDGET_MS = 2_000;

/** Ends the handler of a command whose caller does not want to wait; the kit answers 202. */
export class AcceptedEarly extends Error {
  override readonly name = 'AcceptedEarly';
}

/** Makes `ctx.settle` for one request. */
export const settler =
  (platform: Platform, request: FastifyRequest, reply: FastifyReply): Ctx['settle'] =>
  async (position, projections) => {
    reply.header('tidings-position', position);
    if (prefersAsync(request.headers.prefer)) {
      reply.header('preference-applied', 'respond-async');
      throw new AcceptedEarly();
    }
    if (await platform.freshness.waitFor(position, projections, SETTLE_BUDGET_MS)) return;
    throw new ApiError(
      'NOT_YET_VISIBLE',
      `The command was carried out (position ${position}), but what it changed cannot be read yet. Do not send it again unless with the same Idempotency-Key; read with the header Tidings-Position: ${position}.`,
      { headers: { 'retry-after': '1', 'tidings-position': position } },
    );
  };

/** RFC 7240 §4.1. */
const prefersAsync = (prefer: string | readonly string[] | undefined): boolean =>
  prefer !== undefined && /(^|[,;\s])respond-async($|[,;\s])/i.test(String(prefer));

/** Waits for the position a query names. Positions are opaque, so only their alphabet is checked. */
export const awaitRequestedPosition = async (platform: Platform, request: FastifyRequest, reads: readonly string[]): Promise<void> => {
  const asked = request.headers['tidings-position'];
  if (asked === undefined || reads.length === 0) return;
  if (typeof asked !== 'string' || !/^[0-9A-Za-z]{16,40}$/.test(asked)) {
    throw invalid([{ path: 'Tidings-Position', message: 'must be a position given by this service' }]);
  }
  if (await platform.freshness.waitFor(asked as Position, reads, READ_BUDGET_MS)) return; // opaque text from our own answer
  throw new ApiError('NOT_YET_VISIBLE', `What was written at position ${asked} cannot be read yet.`, { headers: { 'retry-after': '1' } });
};
