import { baseSubject } from '../mail/base-subject.ts';

/** What two mails of one conversation have in common, however it was answered and forwarded. Empty: there is nothing to go by. */
export const normalisedSubject = (subject: string): string => baseSubject(subject).slice(0, 1000);
