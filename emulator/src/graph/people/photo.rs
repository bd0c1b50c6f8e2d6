//! `…/photo`: the picture of a user, in the one size that is kept.
//!
//! <https://learn.microsoft.com/graph/api/profilephoto-get>

use bytes::Bytes;

use crate::directory::{Photo, User};
use crate::graph::answer::Answer;
use crate::graph::error::{GraphError, Refusal};
use crate::graph::json::{array, key, number, string};
use crate::graph::odata::options::Kind;
use crate::graph::route::Ask;
use crate::graph::view::View;

/// What it is: type and size.
pub(super) fn about(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select])?;
    let (user, photo) = photo(view, ask)?;
    Ok(described(ask, user, photo))
}

/// The picture.
pub(super) fn value(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let (_, photo) = photo(view, ask)?;
    Ok(Answer::bytes(TYPE, Bytes::copy_from_slice(photo.bytes())))
}

/// The sizes there are.
pub(super) fn sizes(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select])?;
    let user = super::named(view, ask)?;
    let mut out = super::document(&format!("{}/$metadata#users('{}')/photos", ask.root, user.id));
    key(&mut out, "value");
    array(&mut out, &user.photo, |out, photo| {
        out.push(b'{');
        write(out, photo);
        out.push(b'}');
    });
    Ok(super::closed(out))
}

/// The picture in one size, if it is the one that is kept: what it is.
pub(super) fn sized(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.only(&[Kind::Select])?;
    let (user, photo) = in_size(view, ask)?;
    Ok(described(ask, user, photo))
}

/// The picture in one size.
pub(super) fn sized_value(view: &View<'_>, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let (_, photo) = in_size(view, ask)?;
    Ok(Answer::bytes(TYPE, Bytes::copy_from_slice(photo.bytes())))
}

const TYPE: &str = "image/png";

fn photo<'a>(view: &View<'a>, ask: &Ask<'_>) -> Result<(&'a User, &'a Photo), Refusal> {
    let user = super::named(view, ask)?;
    let photo = user.photo.as_ref().ok_or_else(|| GraphError::ImageNotFound.because("the user has no photo"))?;
    Ok((user, photo))
}

fn in_size<'a>(view: &View<'a>, ask: &Ask<'_>) -> Result<(&'a User, &'a Photo), Refusal> {
    let (user, photo) = photo(view, ask)?;
    if ask.key(0).eq_ignore_ascii_case(&name(photo)) {
        Ok((user, photo))
    } else {
        Err(GraphError::ImageNotFound.because("the photo is kept in another size"))
    }
}

/// `48x48`.
fn name(photo: &Photo) -> String {
    let (width, height) = photo.size();
    format!("{width}x{height}")
}

fn described(ask: &Ask<'_>, user: &User, photo: &Photo) -> Answer {
    let mut out = super::document(&format!("{}/$metadata#users('{}')/photo/$entity", ask.root, user.id));
    write(&mut out, photo);
    super::closed(out)
}

fn write(out: &mut Vec<u8>, photo: &Photo) {
    let (width, height) = photo.size();
    key(out, "@odata.mediaContentType");
    string(out, TYPE);
    key(out, "id");
    string(out, &name(photo));
    for (name, pixels) in [("height", height), ("width", width)] {
        key(out, name);
        number(out, usize::try_from(pixels).unwrap_or_default());
    }
}
