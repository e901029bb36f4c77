/** `GET /api/presence`: who of one's friends and companions is there. All others look like people who do not exist. */
import { getPresence } from '@tidings/contracts/http/presence';
import { whoIsThere } from '@tidings/infra/presence/who-is-there';
import { relationsTo } from '@tidings/projections/relationships/index';
import { companions } from '@tidings/projections/rooms/index';
import type { FastifyInstance } from 'fastify';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';

export const registerPresence = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    getPresence,
    async ({ actor: { userId }, query }) => {
      const asked = [...new Set(query.userIds)].filter((other) => other !== userId);
      const [relations, together] = await Promise.all([
        platform.read.any(relationsTo(platform.liveSchema('relationships'), userId, asked)),
        platform.read.any(companions(platform.liveSchema('rooms'), userId, asked)),
      ]);
      const relationTo = new Map(relations.map(({ otherId, relation }) => [otherId, relation]));
      const near = new Set(together.map((one) => one.userId));
      const shown = asked.filter((other) => {
        const relation = relationTo.get(other);
        if (relation === 'CLIENT_BLOCKED' || relation === 'CLIENT_GOT_BLOCKED') return false;
        return relation === 'FRIEND' || near.has(other);
      });
      return whoIsThere(platform.pool, shown);
    },
    { reads: ['relationships', 'rooms'] },
  );
};
