/** What runs in a worker thread (piscina calls these by name): HTML may be hostile, and large mails take their time. */
import { sanitiseOutgoing } from '../mime/sanitise.ts';
import { build, textFrom } from './build.ts';
import type { ComposedMail, MailToCompose } from './mail.ts';

export const compose = (mail: MailToCompose): Promise<ComposedMail> => build(mail);
export const clean = (html: string): string => sanitiseOutgoing(html);
export const text = (html: string): string => textFrom(html);
