/** What the domain refuses, as HTTP says it: one table over the rejections' types. */
import type { ErrorCode } from '@tidings/contracts/http/problem';
import { either as E } from 'fp-ts';
import { ApiError } from './errors.ts';

type Rejected = { readonly type: string };
/** For routes where the contract asks for another code than the table's: `{ Blocked: 'VALIDATION_ERROR' }`. */
export type CodeOverrides<R extends Rejected> = { readonly [T in R['type']]?: ErrorCode };

/**
 * The outcome of a decision, or its rejection thrown.
 * @example const done = orReject(await platform.commands.transact(room, roomId, { type: 'Invite', … }, ctx.context));
 * @throws ApiError
 */
export const orReject = <R extends Rejected, A>(decided: E.Either<R, A>, overrides: CodeOverrides<R> = {}): A => {
  if (E.isRight(decided)) return decided.right;
  const type: R['type'] = decided.left.type;
  const known = rejections[type];
  throw new ApiError(overrides[type] ?? known?.code ?? 'CONFLICT', known?.says ?? `This is not possible now (${type}).`);
};

const rejections: Readonly<Record<string, { readonly code: ErrorCode; readonly says: string }>> = {
  NotAMember: { code: 'INSUFFICIENT_PERMISSIONS', says: 'You are not a member.' },
};
