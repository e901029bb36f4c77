import type { MailboxId } from '@tidings/contracts/ids';

export const category = 'templates';

/** Whose a template is. */
export type Owner = { readonly mailboxId: MailboxId } | { readonly domain: string };

/** A dot would end what decides the shard. */
export const templatesKey = (owner: Owner): string => ('mailboxId' in owner ? owner.mailboxId : owner.domain.replaceAll('.', '_'));
