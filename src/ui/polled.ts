import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, type Get, getNow, getShared } from './api.ts';

export interface Polled<Data> {
  /** Null until the first answer. What was last known stays while there is an error. */
  data: Data | null;
  error: ApiError | null;
  /** Asks now. */
  refresh(): void;
}

/**
 * Asks at once and again every so often, while the page is to be seen: a tab in the background asks nothing.
 * @param key what it is about: another key is another question.
 * @param load reads with what it is given: what is shared with other pages; after `refresh`, what is so now.
 */
export function usePolled<Data>(key: string, load: (get: Get) => Promise<Data>, everyMs: number): Polled<Data> {
  const [state, setState] = useState<{ key: string; data: Data | null; error: ApiError | null }>({
    key,
    data: null,
    error: null,
  });
  const latest = useRef(load);
  latest.current = load;
  const asked = useRef<() => void>(() => {});

  useEffect(() => {
    let timer: number | undefined;
    let isOver = false;
    let looks = 0;
    const look = async (get: Get) => {
      clearTimeout(timer);
      if (isOver) return;
      const number = ++looks;
      // What was asked for before a refresh is of before.
      const isLatest = () => !isOver && number === looks;
      try {
        const data = await latest.current(get);
        if (isLatest()) setState({ key, data, error: null });
      } catch (thrown) {
        const error = thrown instanceof ApiError ? thrown : new ApiError(0, String(thrown));
        if (isLatest()) setState((before) => ({ key, data: before.key === key ? before.data : null, error }));
      }
      if (isLatest() && !document.hidden) timer = setTimeout(() => void look(getShared), everyMs);
    };
    const onVisible = () => {
      if (!document.hidden) void look(getShared);
    };
    asked.current = () => void look(getNow);
    document.addEventListener('visibilitychange', onVisible);
    void look(getShared);
    return () => {
      isOver = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [key, everyMs]);

  const refresh = useCallback(() => asked.current(), []);
  return { data: state.key === key ? state.data : null, error: state.key === key ? state.error : null, refresh };
}

/** What everybody sees alike is at most so old at the server; lists are each page's own. */
export const OVERVIEW_EVERY_MS = 5_000;
export const LIST_EVERY_MS = 15_000;
