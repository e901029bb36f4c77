/** Names of users as of a position in the log, for read models that freeze a name into what they show. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { UserId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';
import { ERASED_NAME, shownName } from './people.ts';

export const nameTable = (schema: string): string => `
  create table ${schema}.person (
    user_id uuid primary key,
    name text not null
  );`;

export const namingEvents = ['UserRegistered', 'UserProfileChanged'] as const;

export class Names {
  readonly #known: Map<UserId, string>;
  readonly #changed = new Map<UserId, string>();

  constructor(known: Map<UserId, string>) {
    this.#known = known;
  }

  apply(event: Recorded): void {
    if (event.type !== 'UserRegistered' && event.type !== 'UserProfileChanged') return;
    const name = shownName(event.data.displayName);
    this.#known.set(event.data.userId, name);
    this.#changed.set(event.data.userId, name);
  }

  of(user: UserId): string {
    return this.#known.get(user) ?? ERASED_NAME;
  }

  async save(tx: ProjectionTx): Promise<void> {
    if (this.#changed.size === 0) return;
    await tx.query(
      `insert into ${tx.schema}.person (user_id, name) select * from unnest($1::uuid[], $2::text[])
       on conflict (user_id) do update set name = excluded.name`,
      [[...this.#changed.keys()], [...this.#changed.values()]],
    );
  }
}

/** Loads the names of `users`. */
export const loadNames = async (users: ReadonlySet<UserId>, tx: ProjectionTx): Promise<Names> => {
  if (users.size === 0) return new Names(new Map());
  const found = await tx.query<{ user_id: UserId; name: string }>(
    `select user_id, name from ${tx.schema}.person where user_id = any($1::uuid[])`,
    [[...users]],
  );
  return new Names(new Map(found.map((row) => [row.user_id, row.name])));
};
