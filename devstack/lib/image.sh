# shellcheck shell=bash
# The amphora image: taken or built, uploaded once, and given the tag.

kiln_cli() { NO_COLOR=1 "$KILN_DIR/bin/kiln" "$@" --config-file "$KILN_CONF"; }

kiln_provide_image() {
  local file sha512 id property properties=()
  file=$(kiln_image_file) || die $LINENO 'there is no amphora image to upload'
  kiln_will_make image "$KILN_AMP_IMAGE_NAME"
  kiln_delete_unfinished_images

  sha512=$(sha512sum "$file" | cut -d ' ' -f 1)
  id=$(kiln_uploaded_image "$sha512")
  if [[ -n $id ]]; then
    echo "Image $id in Glance is this file already: $file"
  else
    for property in $KILN_IMAGE_MARK $KILN_AMP_IMAGE_PROPERTIES; do properties+=(--property "$property"); done
    id=$(kiln_cli image push "$file" --tag "$KILN_AMP_IMAGE_TAG" --name "$KILN_AMP_IMAGE_NAME" "${properties[@]}" --quiet) ||
      die $LINENO "the image could not be uploaded: $file"
  fi
  # An image of an earlier run loses the tag, one that was uploaded before gets it.
  kiln_cli image tag "$id" "$KILN_AMP_IMAGE_TAG" --move || die $LINENO "image $id could not be given the tag $KILN_AMP_IMAGE_TAG"
}

# kiln_image_file: prints where the image is; what it says besides goes to stderr.
kiln_image_file() {
  local folder=$KILN_DATA_DIR/images
  mkdir -p "$folder"
  case $KILN_AMP_IMAGE_FILE in
    http://* | https://*) kiln_download "$KILN_AMP_IMAGE_FILE" "$folder/$(basename "${KILN_AMP_IMAGE_FILE%%[?#]*}")" ;;
    ?*)
      if [[ ! -s ${KILN_AMP_IMAGE_FILE#file://} ]]; then
        echo "KILN_AMP_IMAGE_FILE is not there, or empty: $KILN_AMP_IMAGE_FILE" >&2
        return 1
      fi
      echo "${KILN_AMP_IMAGE_FILE#file://}"
      ;;
    '') kiln_build_image "$folder" ;;
  esac
}

# kiln_download URL FILE: once; a download that was cut short goes by another name.
kiln_download() {
  if [[ ! -s $2 ]]; then
    curl -fsSL --retry 3 -o "$2.unfinished" "$1" >&2 || return 1
    mv "$2.unfinished" "$2"
  fi
  echo "$2"
}

# kiln_build_image FOLDER: once; clean removes it. A build that was cut short goes by another name.
kiln_build_image() {
  local file
  case $KILN_AMP_IMAGE_BUILDER in
    kiln)
      file=$1/$KILN_AMP_IMAGE_NAME.tar.gz
      if [[ ! -s $file ]]; then
        kiln_cli image build --name "$KILN_AMP_IMAGE_NAME" --output "$file.unfinished" >&2 || return 1
        mv "$file.unfinished" "$file"
      fi
      ;;
    diskimage)
      file=$1/$KILN_AMP_IMAGE_NAME.qcow2
      if [[ ! -s $file ]]; then
        DIB_REPOLOCATION_amphora_agent=$KILN_OCTAVIA_DIR \
          DIB_REPOREF_amphora_agent=$(git -C "$KILN_OCTAVIA_DIR" rev-parse HEAD) \
          "$KILN_OCTAVIA_DIR/diskimage-create/diskimage-create.sh" -o "$1/unfinished.qcow2" >&2 || return 1
        mv "$1/unfinished.qcow2" "$file"
      fi
      ;;
    *)
      echo "KILN_AMP_IMAGE_BUILDER is kiln or diskimage, not $KILN_AMP_IMAGE_BUILDER" >&2
      return 1
      ;;
  esac
  echo "$file"
}

# kiln_uploaded_image SHA512: the ID of an image of ours with just these bytes.
kiln_uploaded_image() {
  kiln_cli image list --owner own --status active --json | python3 -c '
import json, sys
for image in json.load(sys.stdin):
    if image["hashValue"] == sys.argv[1]:
        print(image["id"])
        break' "$1"
}

# Records without data, of an upload that was killed.
kiln_delete_unfinished_images() {
  local ids status
  for status in queued saving; do
    ids=$(kiln_openstack image list --project "$KILN_PROJECT_ID" --property "$KILN_IMAGE_MARK" --status $status -f value -c ID)
    kiln_delete_each "$ids" kiln_openstack image delete
  done
}
