// Functions over texts: what the examples of the list leave out.
#include <gtest/gtest.h>

#include "engine/functions/example_evaluator.h"
#include "engine/functions/letter_case.h"
#include "engine/functions/utf16.h"

namespace penstock::engine::functions {
namespace {

TEST(Utf16, CountsPairsTwice) {
  EXPECT_EQ(utf16_length(""), 0U);
  EXPECT_EQ(utf16_length("aé好"), 3U);
  EXPECT_EQ(utf16_length("a😀b"), 4U);
  EXPECT_EQ(utf16_length("\xFF\xC3"), 2U);  // broken bytes count one each
}

TEST(Utf16, SlicesAsViewsAndReplacesHalvesOfPairs) {
  data::Arena arena;
  const data::Text text(std::string_view("a😀b"));
  EXPECT_EQ(utf16_slice(text, 1, 3, arena).view(), "😀");
  EXPECT_EQ(utf16_slice(text, 1, 3, arena).data, text.data + 1);
  EXPECT_EQ(utf16_slice(text, 0, 2, arena).view(), "a?");
  EXPECT_EQ(utf16_slice(text, 2, 4, arena).view(), "?b");
  EXPECT_EQ(utf16_slice(text, 2, 3, arena).view(), "?");
  EXPECT_EQ(utf16_slice(text, 0, 99, arena).view(), "a😀b");
  EXPECT_EQ(utf16_slice(text, 4, 9, arena).view(), "");
}

TEST(LetterCase, FollowsUnicode) {
  EXPECT_EQ(class_of(U'Ä'), CharacterClass::upper);
  EXPECT_EQ(class_of(U'я'), CharacterClass::lower);
  EXPECT_EQ(class_of(U'٣'), CharacterClass::digit);
  EXPECT_EQ(class_of(U'好'), CharacterClass::other);
  EXPECT_EQ(class_of(0x10FFFF), CharacterClass::other);
  EXPECT_EQ(to_upper(U'ÿ').codes[0], std::uint32_t{U'Ÿ'});
  EXPECT_EQ(to_lower(U'Ω').codes[0], std::uint32_t{U'ω'});
  EXPECT_EQ(to_upper(U'ß').count, 2);
}

TEST(LetterCase, ComesBackFromTheOtherCaseInOneStep) {
  for (std::uint32_t code = 0x80; code < 0x250; ++code) {
    if (class_of(code) != CharacterClass::upper || code == 0x130) continue;
    const CaseMapping lower = to_lower(code);
    if (lower.count != 1 || lower.codes[0] == code) continue;
    EXPECT_EQ(to_upper(lower.codes[0]).codes[0], code) << std::hex << code;
  }
}

TEST(Substring, CountsFromEitherEnd) {
  EXPECT_EQ(evaluated("SUBSTRING('stream', 1)"), "'stream'");
  EXPECT_EQ(evaluated("SUBSTRING('stream', 0, 2)"), "'st'");
  EXPECT_EQ(evaluated("SUBSTRING('stream', -99, 2)"), "'st'");
  EXPECT_EQ(evaluated("SUBSTRING('stream', 99)"), "''");
  EXPECT_EQ(evaluated("SUBSTRING('stream', 2, -1)"), "''");
  EXPECT_EQ(evaluated("SUBSTRING('stream', 2, 2147483647)"), "'tream'");
  EXPECT_EQ(evaluated("SUBSTRING('stream', -2147483648)"), "'stream'");
  EXPECT_EQ(evaluated("SUBSTRING(X'010203', 2, 1)"), "X'02'");
  EXPECT_EQ(evaluated("SUBSTRING('stream', NULL)"), "NULL");
}

TEST(Padding, RepeatsThePaddingAndCutsTheText) {
  EXPECT_EQ(evaluated("LPAD(X'796573', 8, X'6E6F')"), "X'6E6F6E6F6E796573'");
  EXPECT_EQ(evaluated("RPAD('yes', 2, 'no')"), "'ye'");
  EXPECT_EQ(evaluated("RPAD('yes', 0, 'no')"), "''");
  EXPECT_EQ(evaluated("RPAD('yes', -1, 'no')"), "NULL");
  EXPECT_EQ(evaluated("LPAD('a', 4, '😀')"), "'😀?a'");
}

TEST(Padding, RefusesTextsThatAreTooLong) {
  EXPECT_EQ(evaluated("LPAD('a', 2147483647, 'x')"), "error: text_too_long");
  EXPECT_EQ(evaluated("RPAD('a', 1000000, '好')"), "error: text_too_long");
}

TEST(Instr, CountsOccurrencesThatOverlap) {
  EXPECT_EQ(evaluated("INSTR('aaaa', 'aa', 1, 3)"), "3");
  EXPECT_EQ(evaluated("INSTR('aaaa', 'aa', -1, 2)"), "2");
  EXPECT_EQ(evaluated("INSTR('aaaa', 'aa', 1, 4)"), "0");
  EXPECT_EQ(evaluated("INSTR('😀x', 'x')"), "3");
  EXPECT_EQ(evaluated("INSTR('abc', 'a', 0)"), "0");
  EXPECT_EQ(evaluated("INSTR('abc', 'a', 99)"), "0");
  EXPECT_EQ(evaluated("INSTR('abc', 'a', -99)"), "0");
}

TEST(Replace, CountsTheResultBeforeItIsWritten) {
  EXPECT_EQ(evaluated("REPLACE('aXbXc', 'X', '')"), "'abc'");
  EXPECT_EQ(evaluated("REPLACE('', '', 'x')"), "'x'");
  EXPECT_EQ(evaluated("REPLACE('é', '', '-')"), "'-é-'");
  EXPECT_EQ(evaluated("REPLACE(LPAD('', 100000, 'a'), 'a', 'bbbbbbbbbbbbbbbb')"),
            "error: text_too_long");
}

TEST(Case, ChangesTextsOfAnyScript) {
  EXPECT_EQ(evaluated("UCASE('grün я ǆ')"), "'GRÜN Я Ǆ'");
  EXPECT_EQ(evaluated("LCASE('GRÜN Я İ')"), "'grün я i̇'");
  EXPECT_EQ(evaluated("INITCAP('éCOLE  de paris')"), "'École  De Paris'");
}

TEST(Concat, LeavesOutNullsButNotEmptyTexts) {
  EXPECT_EQ(evaluated("CONCAT(NULL, $cast(NULL, STRING))"), "''");
  EXPECT_EQ(evaluated("CONCAT_WS('-', '', 'a', '')"), "'-a-'");
  EXPECT_EQ(evaluated("CONCAT_WS(X'61', X'62', X'', NULL, X'63')"), "X'62616163'");
  EXPECT_EQ(evaluated("CONCAT(LPAD('', 1000000, 'a'), LPAD('', 1000000, 'a'))"),
            "error: text_too_long");
}

TEST(Encode, GivesNullForWhatIsMalformed) {
  EXPECT_EQ(evaluated("ENCODE('0', 'hex', 'utf8')"), "NULL");
  EXPECT_EQ(evaluated("ENCODE('0x141', 'hex', 'utf8')"),
            "'\x01"
            "A'");
  EXPECT_EQ(evaluated("ENCODE('a*==', 'base64', 'utf8')"), "NULL");
  EXPECT_EQ(evaluated("ENCODE('YQ', 'base64', 'utf8')"), "'a'");
  EXPECT_EQ(evaluated("ENCODE('zpXOu867zqzOtM6x', 'base64', 'ascii')"), "'������������'");
  EXPECT_EQ(evaluated("ENCODE('zpXOu867zqzOtM6x', 'BASE64', 'UTF8')"), "'Ελλάδα'");
  EXPECT_EQ(evaluated("FROM_BYTES(X'61FF62', 'utf8')"),
            "'a\xEF\xBF\xBD"
            "b'");
  EXPECT_EQ(evaluated("TO_BYTES('é', 'ascii')"), "X'3F'");
}

TEST(Mask, KeepsTheShapeOfTexts) {
  EXPECT_EQ(evaluated("MASK('')"), "''");
  EXPECT_EQ(evaluated("MASK('aB9 ')"), "'xXn-'");
  EXPECT_EQ(evaluated("MASK('Ünï٣')"), "'Xxxn'");
  EXPECT_EQ(evaluated("LEN(MASK('a😀b'))"), "4");
  EXPECT_EQ(evaluated("MASK('aB9 ', '●', '○', '·', NULL)"), "'○●· '");
  EXPECT_EQ(evaluated("MASK('aé', NULL, NULL, NULL, NULL)"), "'aé'");
  for (const char* bad : {"long", "", "😀", "e\u0301"}) {  // the last one is decomposed
    const std::string call = std::string("MASK('Ab1-', 'X', '") + bad + "', 'n', '-')";
    EXPECT_TRUE(evaluated(call).starts_with("error: ")) << call << evaluated(call);
  }
  EXPECT_TRUE(evaluated("MASK_LEFT('abc', -1)").starts_with("error: "));
  // Nothing of a word survives where the rest is kept.
  EXPECT_EQ(evaluated("MASK('e\u0301, 字 Ⅷ²', 'X', 'x', 'n', NULL)"), "'xx, x nn'");
}

TEST(Mask, NeverShowsHalfOfACharacter) {
  EXPECT_EQ(evaluated("MASK_LEFT('😀a', 1)"), "'--a'");
  EXPECT_EQ(evaluated("MASK_KEEP_LEFT('😀a', 1)"), "'--x'");
  EXPECT_EQ(evaluated("MASK_KEEP_RIGHT('a😀', 1)"), "'x--'");
}

TEST(Mask, RefusesNegativeCounts) {
  for (const char* name : {"MASK_LEFT", "MASK_RIGHT", "MASK_KEEP_LEFT", "MASK_KEEP_RIGHT"})
    EXPECT_TRUE(evaluated(std::string(name) + "('abc', -1)").starts_with("error: ")) << name;
  EXPECT_EQ(evaluated("MASK_RIGHT('abc', 2147483647)"), "'xxx'");
  EXPECT_EQ(evaluated("MASK_KEEP_RIGHT('abc', 0)"), "'xxx'");
  EXPECT_EQ(evaluated("MASK_LEFT('Abc', 2, '1', '2', NULL, NULL)"), "'12c'");
}

TEST(Url, PartsOfWhatIsNoUrlAreNull) {
  EXPECT_EQ(evaluated("URL_EXTRACT_HOST('http://a.example/%zz')"), "NULL");
  EXPECT_EQ(evaluated("URL_EXTRACT_PORT('http://a.example:x/')"), "NULL");
  EXPECT_EQ(evaluated("URL_EXTRACT_HOST('http://[::1]:80/')"), "'[::1]'");
  EXPECT_EQ(evaluated("URL_EXTRACT_PORT('http://[::1]:80/')"), "80");
  EXPECT_EQ(evaluated("URL_EXTRACT_PATH('http://a.example')"), "''");
  EXPECT_EQ(evaluated("URL_DECODE_PARAM('100%')"), "NULL");
}

}  // namespace
}  // namespace penstock::engine::functions
