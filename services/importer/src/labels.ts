/** The labels that mails bring along, made as they are met. */
import { DEFAULT_LABEL_COLOR } from '@tidings/contracts/http/labels';
import { derivedId, type CommandId, type ImportId, type LabelId, type MailboxId, type UserId } from '@tidings/contracts/ids';
import { label, labelsKey } from '@tidings/domain/label/index';
import type { Commands } from '@tidings/infra/commands/commands';
import * as E from 'fp-ts/lib/Either.js';

export interface Labels {
  /** Its id; null for what is no name, or one more than a mailbox can have. */
  idOf(name: string): Promise<LabelId | null>;
}

export const labelsOf = (
  commands: Commands,
  of: { readonly importId: ImportId; readonly mailboxId: MailboxId; readonly by: UserId },
): Labels => {
  const { importId, mailboxId, by } = of;
  const known = new Map<string, LabelId | null>();
  return {
    idOf: async (name) => {
      const met = known.get(name);
      if (met !== undefined) return met;
      const labelId = derivedId<LabelId>('imported-label', importId, name);
      const command = {
        type: 'CreateLabel',
        mailboxId,
        labelId,
        name,
        color: DEFAULT_LABEL_COLOR,
        description: null,
        auto: false,
        by,
      } as const;
      const commandId = derivedId<CommandId>('import-label', importId, name);
      const made = await commands.transact(label, labelsKey(mailboxId), command, { commandId });
      const id = E.isRight(made) ? labelId : made.left.type === 'LabelExists' ? made.left.labelId : null;
      known.set(name, id);
      return id;
    },
  };
};
