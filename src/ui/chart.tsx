import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { Table, Time } from './parts.tsx';

export interface ChartSeries {
  name: string;
  /** One for each time; null: nothing was measured. */
  values: (number | null)[];
}

/** Where letters have their usual size. */
const HEIGHT = 150;
const LETTERS = 15;
/** With so few points each is drawn. */
const FEW = 40;
/** Dashes beside colours. */
const dashes = [undefined, [6, 4]];

/** Lines over time, with a table that says the same. Drawn anew when light and dark change. */
export function Chart(props: {
  title: string;
  /** Ends of what was measured, in seconds since 1970, in order. */
  times: number[];
  series: ChartSeries[];
  format(value: number): string;
}) {
  const { title, times, series, format } = props;
  const figure = useRef<HTMLElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const pointed = useSignal<number | null>(null);
  const data: uPlot.AlignedData = [times, ...series.map(({ values }) => values)];
  const latest = useRef(data);
  latest.current = data;
  const names = series.map(({ name }) => name).join('\n');

  useEffect(() => {
    const [whole, element] = [figure.current, box.current];
    if (!whole || !element) return;
    const draw = () => {
      plot.current?.destroy();
      const options = optionsOf(whole, element.clientWidth, latest.current, format, (index) => {
        pointed.value = index;
      });
      plot.current = new uPlot(options, latest.current, element);
    };
    draw();
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: plot.current.height }),
    );
    resized.observe(element);
    return () => {
      scheme.removeEventListener('change', draw);
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [names, times.length <= FEW]);
  useEffect(() => {
    plot.current?.setData(latest.current);
  }, [times]);

  const shown = Math.min(pointed.value ?? times.length - 1, times.length - 1);
  const say = (value: number | null | undefined) => (value === null || value === undefined ? '–' : format(value));
  return (
    <figure class="chart" ref={figure}>
      <figcaption>
        <strong>{title}</strong>
        {series.map(({ name, values }, index) => (
          <span key={name} class={`key key-${index}`}>
            <span aria-hidden="true">{index === 0 ? '━━' : '╍╍'}</span> {name} {say(values[shown])}
          </span>
        ))}
      </figcaption>
      <div ref={box} class="plot" aria-hidden="true" />
      <details>
        <summary>{title} as a table</summary>
        <Table label={title} head={['Until', ...series.map(({ name }) => name)]}>
          {times
            .map((time, index) => (
              <tr key={time}>
                <td>
                  <Time at={new Date(time * 1000).toISOString()} />
                </td>
                {series.map(({ name, values }) => (
                  <td key={name} class="number">
                    {say(values[index])}
                  </td>
                ))}
              </tr>
            ))
            .reverse()}
        </Table>
      </details>
    </figure>
  );
}

function optionsOf(
  figure: HTMLElement,
  width: number,
  data: uPlot.AlignedData,
  format: (value: number) => string,
  onPoint: (index: number | null) => void,
): uPlot.Options {
  // A canvas knows no custom properties: colours are those of what is there.
  const colourOf = (selector: string) => getComputedStyle(figure.querySelector(selector) ?? figure).color;
  const { color, borderTopColor: line, fontFamily, fontSize } = getComputedStyle(figure);
  const scale = Number.parseFloat(fontSize) / LETTERS;
  const axis = {
    stroke: color,
    font: `${12 * scale}px ${fontFamily}`,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1, size: 4 },
  };
  const clock = (seconds: number) =>
    new Date(seconds * 1000).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
  return {
    width,
    height: HEIGHT * scale,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false, setScale: false } },
    scales: { y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [
      { ...axis, size: 28 * scale, space: 80 * scale, values: (_plot, splits) => splits.map(clock) },
      { ...axis, size: 64 * scale, space: 36 * scale, values: (_plot, splits) => splits.map(format) },
    ],
    series: [
      {},
      ...data.slice(1).map((_values, index) => ({
        stroke: colourOf(`.key-${index}`),
        width: 2,
        ...(dashes[index] && { dash: dashes[index] }),
        points: { show: data[0].length <= FEW, size: 5 },
      })),
    ],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
  };
}
