import type { EmailId } from '@tidings/contracts/ids';

export const category = 'email';
export const emailKey = (email: EmailId): string => email;
