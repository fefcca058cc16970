import { Button } from './button.tsx'
import { FormActions } from './form.tsx'
import { Notice } from './notice.tsx'

/** What stands above a form where somebody else has kept another state of the same since it was begun. */
export function ChangedNotice({
  what,
  onShow,
  onGoOn,
}: {
  /** For people: "configuration". */
  what: string
  /** Shows what is kept, instead of what is typed. */
  onShow: () => void
  /** Has what is typed be a change of what is kept now. */
  onGoOn: () => void
}) {
  return (
    <Notice tone="wait" title={`Somebody else has changed this ${what} meanwhile.`}>
      <p>What you see is what you have typed; it has not been kept.</p>
      <FormActions>
        <Button size="small" onClick={onShow}>
          Show what is kept now
        </Button>
        <Button size="small" onClick={onGoOn}>
          Go on with mine
        </Button>
      </FormActions>
    </Notice>
  )
}
