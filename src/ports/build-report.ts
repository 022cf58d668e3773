/** How a build tells what it does: the part of the command line's progress that it needs. */
export interface BuildReport {
  step(title: string): { done(detail: string): void; fail(detail?: string): void };
  transfer(title: string, totalBytes: number): { update(bytes: number): void; done(): void; fail(): void };
  status(text: string | null): void;
}
