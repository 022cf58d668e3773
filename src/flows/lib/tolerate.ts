import { KilnError } from '../../model/errors.ts';

/** While one waits anyway, a service that fails for a moment has simply not answered yet. */
export async function retryableIsNull<Answer>(answer: Promise<Answer>): Promise<Answer | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof KilnError && error.retryable) return null;
    throw error;
  }
}
