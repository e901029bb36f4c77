/** How far imports are, for the members of the mailbox. */
import type { ImportCancelled, ImportFailed, ImportFinished, ImportProgressed } from '@tidings/contracts/events/import';
import type { Recorded } from '@tidings/contracts/events/index';
import { mailboxAudience, tell, type Row } from './rows.ts';

const states = { ImportProgressed: 'running', ImportFinished: 'done', ImportFailed: 'failed', ImportCancelled: 'cancelled' } as const;
export const importChanges = ['ImportProgressed', 'ImportFinished', 'ImportFailed', 'ImportCancelled'] as const;

type Change = Recorded<ImportProgressed | ImportFinished | ImportFailed | ImportCancelled>;
export const isImportChange = (event: Recorded): event is Change => event.type in states;

export const importChanged = ({ type, data, recordedAt }: Change): readonly Row[] => {
  const { importId, mailboxId, total, done, filed, duplicates, failed } = data;
  const counts = { total, done, filed, duplicates, failed };
  return [
    tell(mailboxAudience(mailboxId), {
      type: 'ImportProgress',
      createdAt: recordedAt,
      mailboxId,
      importId,
      state: states[type],
      ...counts,
    }),
  ];
};
