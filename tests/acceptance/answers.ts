/** What an answer comes to, for tests that compare it whole. */
import type { Problem } from '@tidings/contracts/http/problem';
import type { Answer } from './chat-stack.ts';

/** Status and `errorCode` of a refusal. */
export const problem = (answer: Answer) => ({ status: answer.status, code: answer.json<Problem>().errorCode });
export const forbidden = { status: 403, code: 'INSUFFICIENT_PERMISSIONS' };
export const missing = { status: 404, code: 'CONTENT_NOT_FOUND' };
export const invalid = { status: 400, code: 'VALIDATION_ERROR' };
export const conflict = { status: 409, code: 'CONFLICT' };

/** Status and body as they came. */
export const seen = ({ status, text }: Answer) => ({ status, text });
/** What a command without an answer of its own gives. */
export const ok = { status: 200, text: '' };
