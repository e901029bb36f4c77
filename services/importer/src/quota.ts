/** How much of what is brought along the mailbox has room for, by the same rule as the SMTP door. */
import type { MailboxId } from '@tidings/contracts/ids';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { usageOf } from '@tidings/projections/storage/index';
import type { Platform } from '../../platform/src/platform.ts';

export interface Quota {
  /** `bytes` is Infinity where there is no quota. */
  left(): Promise<{ readonly quota: number; readonly bytes: number }>;
  /** The read model follows in its own time; what this import files is counted here. */
  filed(bytes: number): void;
}

/** How long what was filed before, by an earlier run of the import say, is waited for. */
const BUDGET_MS = 10_000;

export const quotaOf = (
  {
    commands,
    config,
    read,
    liveSchema,
    freshness,
    log,
  }: Pick<Platform, 'commands' | 'config' | 'read' | 'liveSchema' | 'freshness' | 'log'>,
  mailboxId: MailboxId,
): Quota => {
  const used = async (): Promise<number> => (await read.any(usageOf(liveSchema('storage'), mailboxId)))[0]?.bytes ?? 0;
  const allowed = async (): Promise<number> => {
    const { state } = await commands.load(mailbox, mailboxKey(mailboxId));
    return (state.kind === 'open' ? state.quotaBytes : null) ?? config.mailboxQuotaBytes ?? Infinity;
  };
  let before: number | null = null;
  let since = 0;
  return {
    left: async () => {
      const quota = await allowed();
      if (quota === Infinity) return { quota, bytes: Infinity };
      if (before === null) {
        for (const shard of log.shards) await freshness.waitFor(await log.head(shard), ['storage'], BUDGET_MS);
        before = Math.max(0, (await used()) - since); // set later than the import began: some of it may be in there
      }
      return { quota, bytes: quota - Math.max(before + since, await used()) };
    },
    filed: (bytes) => void (since += bytes),
  };
};
