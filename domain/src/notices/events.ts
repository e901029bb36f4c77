import { eventOf } from '@tidings/contracts/events/definition';
import { DigestTimesSet, MailPolicySet } from '@tidings/contracts/events/notices';

export type { NoticesEvent } from '@tidings/contracts/events/notices';
export const mailPolicySet = eventOf(MailPolicySet);
export const digestTimesSet = eventOf(DigestTimesSet);
