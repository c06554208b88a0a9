//! The end of decoding: what was found is checked, completed from the session's settings and put together.

use super::super::calendar::Fields;
use super::super::{Fault, mask};
use super::{Decoded, Decoder, HalfDay};
use crate::types::timezone::Zone;

impl Decoder<'_> {
    fn apply_half_day(&mut self) -> Result<(), Fault> {
        let Some(half) = self.half_day else { return Ok(()) };
        let hour = &mut self.found.fields.hour;
        if *hour > 12 {
            return Err(Fault::Field);
        }
        match half {
            HalfDay::Morning if *hour == 12 => *hour = 0,
            HalfDay::Afternoon if *hour != 12 => *hour += 12,
            HalfDay::Morning | HalfDay::Afternoon => {}
        }
        Ok(())
    }

    pub(super) fn finish_moment(mut self) -> Result<Decoded, Fault> {
        self.found.validate(self.claimed, self.julian, self.before_christ)?;
        self.apply_half_day()?;
        if let Some(special) = self.special {
            return Ok(special);
        }
        if !self.has(mask::DATE) {
            return Err(Fault::Format);
        }
        let zone = match self.zone {
            Some(zone) => Some(zone),
            None if self.claimed & mask::ZONE == 0 => Some(self.settings.zone),
            None => None,
        };
        if let Some(zone) = zone {
            if self.claimed & mask::DAYLIGHT != 0 {
                return Err(Fault::Format);
            }
            self.west = self.west_of(zone);
        }
        Ok(Decoded::Moment { fields: self.found.fields, west: self.west })
    }

    pub(super) fn finish_time(mut self) -> Result<(Fields, i32), Fault> {
        self.found.validate(self.claimed, self.julian, self.before_christ)?;
        self.apply_half_day()?;
        if self.found.time_overflows() {
            return Err(Fault::Field);
        }
        if !self.has(mask::TIME) {
            return Err(Fault::Format);
        }
        let dynamic = self.abbreviation.is_some();
        let zone = match self.zone {
            Some(zone) => zone,
            None if self.claimed & mask::ZONE == 0 => self.settings.zone,
            None => return Ok((self.found.fields, self.west)),
        };
        if self.claimed & mask::DAYLIGHT != 0 {
            return Err(Fault::Format);
        }
        let named = self.zone.is_some() && !dynamic;
        if let Some(east) = named.then(|| zone.fixed_offset()).flatten() {
            return Ok((self.found.fields, -east));
        }
        if !self.has(mask::DATE) {
            // A zone's name needs a date; the session's zone and abbreviations take today.
            if named || self.claimed & mask::DATE != 0 {
                return Err(Fault::Format);
            }
            self.set_today(0);
        }
        Ok((self.found.fields, self.west_of(zone)))
    }

    /// Seconds west of a zone at the time found; UTC where the time cannot be counted.
    fn west_of(&self, zone: Zone) -> i32 {
        let Some(local) = self.found.fields.local_micros() else { return 0 };
        match self.abbreviation {
            Some(abbreviation) => -zone.offset_of_abbreviation(abbreviation, local),
            None => -zone.offset_of_local(local),
        }
    }
}
