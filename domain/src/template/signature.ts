/** Which signature stands below a mail (collaborative inbox §1.4). */
import type { TemplateId } from '@tidings/contracts/ids';
import type { State, Template } from './state.ts';

/** Those of one kind that may be used. */
export const activeOf = (state: State, kind: Template['kind']): readonly Template[] =>
  [...state.values()].filter((one) => one.isActive && one.kind === kind);

/**
 * The one that the domain forces, else the one that the mailbox forces, else the chosen one, if it is still there.
 * @param chosen null: none
 */
export const signatureFor = (mailbox: State, domain: State, chosen: TemplateId | null): Template | null => {
  const ofDomain = activeOf(domain, 'signature');
  const ofMailbox = activeOf(mailbox, 'signature');
  return (
    ofDomain.find(({ isForced }) => isForced) ??
    ofMailbox.find(({ isForced }) => isForced) ??
    [...ofMailbox, ...ofDomain].find(({ templateId }) => templateId === chosen) ??
    null
  );
};
