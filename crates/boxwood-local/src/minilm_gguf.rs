//! Writes the GGUF container that llama.cpp loads: settings, then tensors.
//!
//! Invariant: the file is written whole in memory (25 MB for the one model it serves) and is deterministic. Layout
//! after the public description of GGUF version 3. Called only by `minilm`.

/// Tensor data begin at multiples of this.
const ALIGNMENT: usize = 32;
/// Numbers that share a scale in 8-bit tensors.
const BLOCK: usize = 32;

/// How a tensor's numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TensorKind {
    /// 32-bit floats.
    F32,
    /// Blocks of 32 signed bytes with a 16-bit scale. The innermost side must be a multiple of 32.
    Q8_0,
}

/// A setting's value.
#[derive(Debug)]
pub(crate) enum Value {
    U32(u32),
    F32(f32),
    Bool(bool),
    Text(&'static str),
    Texts(Vec<String>),
    I32s(Vec<i32>),
}

/// Collects settings and tensors.
#[derive(Debug, Default)]
pub(crate) struct GgufWriter {
    setting_count: u64,
    settings: Vec<u8>,
    tensor_count: u64,
    tensor_table: Vec<u8>,
    data: Vec<u8>,
}

impl GgufWriter {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn setting(&mut self, name: &str, value: &Value) {
        self.setting_count += 1;
        let out = &mut self.settings;
        push_text(out, name);
        match value {
            Value::U32(number) => {
                push_u32(out, 4);
                push_u32(out, *number);
            }
            Value::F32(number) => {
                push_u32(out, 6);
                out.extend(number.to_le_bytes());
            }
            Value::Bool(flag) => {
                push_u32(out, 7);
                out.push(u8::from(*flag));
            }
            Value::Text(text) => {
                push_u32(out, 8);
                push_text(out, text);
            }
            Value::Texts(texts) => {
                push_array(out, 8, texts.len());
                texts.iter().for_each(|text| push_text(out, text));
            }
            Value::I32s(numbers) => {
                push_array(out, 5, numbers.len());
                numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
            }
        }
    }

    /// Adds a tensor; `shape` is outermost first, as published.
    pub(crate) fn tensor(&mut self, name: &str, shape: &[u64], kind: TensorKind, numbers: &[f32]) {
        self.tensor_count += 1;
        push_text(&mut self.tensor_table, name);
        push_u32(&mut self.tensor_table, shape.len() as u32);
        for side in shape.iter().rev() {
            self.tensor_table.extend(side.to_le_bytes());
        }
        push_u32(
            &mut self.tensor_table,
            if kind == TensorKind::F32 { 0 } else { 8 },
        );
        self.tensor_table.extend((self.data.len() as u64).to_le_bytes());
        match kind {
            TensorKind::F32 => numbers
                .iter()
                .for_each(|number| self.data.extend(number.to_le_bytes())),
            TensorKind::Q8_0 => numbers
                .chunks(BLOCK)
                .for_each(|block| push_block(&mut self.data, block)),
        }
        self.data.resize(self.data.len().next_multiple_of(ALIGNMENT), 0);
    }

    /// The file.
    pub(crate) fn finish(self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        push_u32(&mut file, 3);
        file.extend(self.tensor_count.to_le_bytes());
        file.extend(self.setting_count.to_le_bytes());
        file.extend(self.settings);
        file.extend(self.tensor_table);
        file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
        file.extend(self.data);
        file
    }
}

fn push_u32(out: &mut Vec<u8>, number: u32) {
    out.extend(number.to_le_bytes());
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn push_array(out: &mut Vec<u8>, element: u32, length: usize) {
    push_u32(out, 9);
    push_u32(out, element);
    out.extend((length as u64).to_le_bytes());
}

fn push_block(out: &mut Vec<u8>, block: &[f32]) {
    let largest = block.iter().fold(0.0f32, |most, number| most.max(number.abs()));
    let scale = largest / 127.0;
    out.extend(half_bits(scale).to_le_bytes());
    for number in block {
        let code = if scale > 0.0 {
            (number / scale).round()
        } else {
            0.0
        };
        out.push((code.clamp(-127.0, 127.0) as i8).to_le_bytes()[0]);
    }
}

/// A non-negative 32-bit float as 16-bit bits, rounded to nearest; too large becomes infinite.
fn half_bits(number: f32) -> u16 {
    let bits = number.to_bits();
    let exponent = (bits >> 23) as i32 - 127 + 15;
    let fraction = bits & 0x007f_ffff;
    if exponent >= 31 {
        return 0x7c00;
    }
    if exponent <= 0 {
        // Subnormal: the fraction with its hidden bit, shifted into place.
        let shift = 14 - exponent;
        if shift > 24 {
            return 0;
        }
        let whole = fraction | 0x0080_0000;
        let rounded = (whole >> (shift - 1)).wrapping_add(1) >> 1;
        return rounded as u16;
    }
    let packed = ((exponent as u32) << 10) | (fraction >> 13);
    // Rounding up may carry into the exponent, which is the right result.
    (packed + ((fraction >> 12) & 1)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_to_nearest() {
        let check = |number: f32, bits: u16| assert_eq!(half_bits(number), bits, "{number}");
        check(0.0, 0);
        check(1.0, 0x3c00);
        check(0.5, 0x3800);
        check(1.0 / 3.0, 0x3555);
        check(65_504.0, 0x7bff);
        check(1e6, 0x7c00);
        check(5.960_464_5e-8, 0x0001);
        check(6.103_515_6e-5, 0x0400);
        check(1e-9, 0);
        check(2049.0 / 2048.0, 0x3c01);
    }

    #[test]
    fn a_small_file_has_the_described_layout() {
        let mut writer = GgufWriter::new();
        writer.setting("a", &Value::U32(7));
        let numbers: Vec<f32> = (0..32).map(|number| number as f32).collect();
        writer.tensor("t", &[1, 32], TensorKind::Q8_0, &numbers);
        let file = writer.finish();
        assert_eq!(&file[..8], b"GGUF\x03\0\0\0");
        assert_eq!(file.len() % ALIGNMENT, 0);
        let data = &file[file.len() - 64..];
        assert_eq!(u16::from_le_bytes([data[0], data[1]]), half_bits(31.0 / 127.0));
        assert_eq!(data[2 + 31], 127);
    }
}
