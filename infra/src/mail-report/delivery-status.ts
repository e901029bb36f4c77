/** `message/delivery-status` (RFC 3464): one group about the mail, then one for each recipient. */
import type { Fate } from '@tidings/contracts/events/outbound';
import { addressIn, first, type Group, groupsOf, hostIn, untyped } from './fields.ts';
import type { RecipientFate } from './report.ts';
import { codeIn, replyOf } from './words.ts';

/** @param said the words for people that come with it, for reports that give no diagnostic */
export const fatesIn = (part: Uint8Array, said: string): readonly RecipientFate[] => {
  const groups = groupsOf(part);
  // Some write it all into one group, some no group about the mail at all.
  const reportingMta = groups.map((group) => first(group, 'reporting-mta')).find((found) => found !== null) ?? null;
  return groups.flatMap((group): readonly RecipientFate[] => {
    const fate = fateOf(group);
    if (fate === null) return [];
    const diagnostic = first(group, 'diagnostic-code');
    const status = codeIn(first(group, 'status') ?? '');
    const reply = diagnostic === null ? said : untyped(diagnostic);
    const recipients = ['original-recipient', 'final-recipient', 'x-actual-recipient'].flatMap(
      (name) => addressIn(first(group, name)) ?? [],
    );
    return [
      {
        ...{ recipients: [...new Set(recipients)], fate, reply: replyOf(reply) },
        // Of `5.0.0` (RFC 3463 §3.1) the reply may know more.
        enhancedCode: status === null || /^\d\.0\.0$/.test(status) ? (codeIn(reply) ?? status) : status,
        host: hostIn(first(group, 'remote-mta')) ?? hostIn(reportingMta),
      },
    ];
  });
};

/** RFC 3464 §2.3.3; where it is missing, the class of the status says it (RFC 3463 §3.1). */
const fateOf = (group: Group): Fate | null => {
  const [action = ''] = (first(group, 'action') ?? '').toLowerCase().split(/[\s(;]/, 1);
  if (isFate(action)) return action;
  const isAboutSomebody = group.has('final-recipient') || group.has('original-recipient');
  const [status] = first(group, 'status')?.trim() ?? '';
  if (!isAboutSomebody || status === undefined) return null;
  return status === '5' ? 'failed' : status === '4' ? 'delayed' : status === '2' ? 'delivered' : null;
};

const FATES: readonly string[] = ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] satisfies readonly Fate[];
const isFate = (action: string): action is Fate => FATES.includes(action);
