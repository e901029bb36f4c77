/** Whether users exist. The directory may be a moment behind the log, so whoever is missing there is looked up in the log. */
import type { UserId } from '@tidings/contracts/ids';
import { user, userKey } from '@tidings/domain/user/index';
import { usersById } from '@tidings/projections/users/index';
import { ApiError } from '../../../http-kit/src/errors.ts';
import type { Platform } from '../../../platform/src/platform.ts';

/** @throws ApiError 404 when one of `ids` is nobody, or was erased */
export const assertKnown = async (platform: Platform, ids: readonly UserId[]): Promise<void> => {
  const listed = await platform.read.any(usersById(platform.liveSchema('users'), ids));
  const known = new Set(listed.flatMap((person) => (person.nameKey === null ? [] : [person.id])));
  for (const id of ids) {
    if (known.has(id)) continue;
    const { state } = await platform.commands.load(user, userKey(id));
    if (state.kind !== 'registered') throw new ApiError('CONTENT_NOT_FOUND', `There is no user ${id}.`);
  }
};
