/** The door of the service API: who may not use it is told so before anything is looked up. */
import { may } from '@tidings/domain/authorization/may';
import type { Actor } from './ctx.ts';
import { ApiError } from './errors.ts';

/** @throws ApiError 403 */
export const assertService = (actor: Actor): void => {
  if (!may(actor, 'administer', { kind: 'domain' }))
    throw new ApiError('INSUFFICIENT_PERMISSIONS', 'Only services with the admin role may do this.');
};
