import { eventOf } from '@tidings/contracts/events/definition';
import {
  EmailFiled,
  EmailKeywordsSet,
  EmailsDestroyed,
  EmailsMoved,
  EmailsSplitOff,
  ThreadAssigned,
  ThreadLabelled,
  ThreadRead,
  ThreadStarred,
  ThreadShared,
  ThreadSplitOff,
  ThreadUnshared,
  ThreadUnassigned,
} from '@tidings/contracts/events/thread';

export type { ThreadEvent } from '@tidings/contracts/events/thread';
export const emailFiled = eventOf(EmailFiled);
export const threadRead = eventOf(ThreadRead);
export const emailsMoved = eventOf(EmailsMoved);
export const threadStarred = eventOf(ThreadStarred);
export const threadLabelled = eventOf(ThreadLabelled);
export const threadAssigned = eventOf(ThreadAssigned);
export const threadUnassigned = eventOf(ThreadUnassigned);
export const threadShared = eventOf(ThreadShared);
export const threadUnshared = eventOf(ThreadUnshared);
export const emailKeywordsSet = eventOf(EmailKeywordsSet);
export const emailsDestroyed = eventOf(EmailsDestroyed);
export const emailsSplitOff = eventOf(EmailsSplitOff);
export const threadSplitOff = eventOf(ThreadSplitOff);
