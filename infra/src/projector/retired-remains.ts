/** What retired instances left outside Postgres goes too: looked for at the start and whenever one is retired, again a while later when that fails. */
import type { Projection } from '@tidings/contracts/projection';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { retiredSchemas } from './registry.ts';

const AGAIN_AFTER_MS = 30_000;

export class RetiredRemains {
  readonly #pool: Pool;
  readonly #projections: readonly Projection[];
  readonly #logger: Logger;
  #isDue = true;
  #notBefore = 0;
  #removing: Promise<void> | null = null;

  constructor(pool: Pool, projections: readonly Projection[], logger: Logger) {
    this.#pool = pool;
    this.#projections = projections.filter(({ removeRetired }) => removeRetired !== undefined);
    this.#logger = logger;
  }

  /** An instance was retired. */
  left(): void {
    this.#isDue = true;
  }

  /** Begins to remove them, if there is anything to remove; nobody waits for it. */
  remove(): void {
    if (!this.#isDue || this.#removing !== null || Date.now() < this.#notBefore) return;
    this.#isDue = false;
    this.#removing = this.#removeAll()
      .catch((error: unknown) => {
        this.#isDue = true;
        this.#notBefore = Date.now() + AGAIN_AFTER_MS;
        this.#logger.warn({ err: error }, 'what retired projections left outside Postgres could not be removed; trying again');
      })
      .finally(() => {
        this.#removing = null;
      });
  }

  /** What is being removed is removed. */
  async stop(): Promise<void> {
    await this.#removing;
  }

  async #removeAll(): Promise<void> {
    for (const { name, removeRetired } of this.#projections) {
      const schemas = await retiredSchemas(this.#pool, name);
      if (schemas.length > 0) await removeRetired?.(schemas);
    }
  }
}
