#include "backend/cpu/MiniLink.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

namespace tailor::backend {
namespace {

using Object = llvm::object::ELF64LEObjectFile;

llvm::Error fail(const llvm::Twine& text) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), "linking kernels: " + text);
}

class Linker {
public:
  explicit Linker(const Object& object) : object_(object) {}

  llvm::Expected<LinkedCode> run() {
    if (llvm::Error error = layOut()) return std::move(error);
    for (const llvm::object::SectionRef& relocations : object_.sections())
      if (llvm::Error error = relocate(relocations)) return std::move(error);
    if (llvm::Error error = collectFunctions()) return std::move(error);
    return std::move(code_);
  }

private:
  llvm::Error layOut() {
    for (bool executable : {true, false})
      for (const llvm::object::SectionRef& section : object_.sections()) {
        llvm::object::ELFSectionRef elf(section);
        uint64_t flags = elf.getFlags();
        llvm::Expected<llvm::StringRef> name = section.getName();
        if (!name) return name.takeError();
        // Unwind tables describe frames nobody unwinds: kernels call nothing and throw nothing.
        if (!(flags & llvm::ELF::SHF_ALLOC) || section.getSize() == 0 || *name == ".eh_frame") continue;
        if (flags & (llvm::ELF::SHF_WRITE | llvm::ELF::SHF_TLS))
          return fail("section " + *name + " is writable");
        if (((flags & llvm::ELF::SHF_EXECINSTR) != 0) != executable) continue;
        llvm::Expected<llvm::StringRef> contents = section.getContents();
        if (!contents) return contents.takeError();
        uint64_t alignment = std::max<uint64_t>(section.getAlignment().value(), executable ? 64 : 16);
        uint64_t offset = llvm::alignTo(code_.bytes.size(), alignment);
        code_.bytes.resize(offset, executable ? 0xCC : 0);
        code_.bytes.insert(code_.bytes.end(), contents->bytes_begin(), contents->bytes_end());
        offsets_[section.getIndex()] = offset;
      }
    return llvm::Error::success();
  }

  llvm::Expected<uint64_t> addressOf(const llvm::object::SymbolRef& symbol) {
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    if (!name) return name.takeError();
    auto section = symbol.getSection();
    if (!section) return section.takeError();
    if (*section == object_.section_end()) return fail("undefined symbol '" + *name + "'");
    auto base = offsets_.find((*section)->getIndex());
    if (base == offsets_.end())
      return fail("symbol '" + *name + "' is in a section that is not part of the code");
    llvm::Expected<uint64_t> value = symbol.getValue(); // offset in the section: the object is relocatable
    if (!value) return value.takeError();
    return base->second + *value;
  }

  llvm::Error relocate(const llvm::object::SectionRef& relocations) {
    llvm::Expected<llvm::object::section_iterator> target = relocations.getRelocatedSection();
    if (!target) return target.takeError();
    if (*target == object_.section_end()) return llvm::Error::success();
    auto base = offsets_.find((*target)->getIndex());
    if (base == offsets_.end()) return llvm::Error::success();
    for (const llvm::object::ELFRelocationRef relocation : relocations.relocations()) {
      if (relocation.getSymbol() == object_.symbol_end()) return fail("relocation without a symbol");
      llvm::Expected<uint64_t> symbol = addressOf(*relocation.getSymbol());
      if (!symbol) return symbol.takeError();
      llvm::Expected<int64_t> addend = relocation.getAddend();
      if (!addend) return addend.takeError();
      uint64_t place = base->second + relocation.getOffset();
      uint64_t type = relocation.getType();
      uint64_t width = type == llvm::ELF::R_X86_64_PC64 ? 8 : 4;
      if (place + width > code_.bytes.size()) return fail("relocation outside its section");
      int64_t value = static_cast<int64_t>(*symbol) + *addend - static_cast<int64_t>(place);
      switch (type) {
      case llvm::ELF::R_X86_64_PC32:
      case llvm::ELF::R_X86_64_PLT32: // a call inside the blob needs no procedure linkage table
        if (!llvm::isInt<32>(value)) return fail("relocation beyond 2 GiB");
        llvm::support::endian::write32le(&code_.bytes[place], static_cast<uint32_t>(value));
        break;
      case llvm::ELF::R_X86_64_PC64:
        llvm::support::endian::write64le(&code_.bytes[place], static_cast<uint64_t>(value));
        break;
      default:
        return fail("relocation " + object_.getELFFile().getRelocationTypeName(type) +
                    " is not position-independent");
      }
    }
    return llvm::Error::success();
  }

  llvm::Error collectFunctions() {
    for (const llvm::object::ELFSymbolRef symbol : object_.symbols()) {
      if (symbol.getELFType() != llvm::ELF::STT_FUNC || symbol.getBinding() != llvm::ELF::STB_GLOBAL)
        continue;
      llvm::Expected<llvm::StringRef> name = symbol.getName();
      if (!name) return name.takeError();
      llvm::Expected<uint64_t> offset = addressOf(symbol);
      if (!offset) return offset.takeError();
      code_.functions.push_back({name->str(), *offset, symbol.getSize()});
    }
    return llvm::Error::success();
  }

  const Object& object_;
  LinkedCode code_;
  llvm::DenseMap<uint64_t, uint64_t> offsets_; // section index -> offset in the blob
};

} // namespace

llvm::Expected<LinkedCode> linkObject(llvm::MemoryBufferRef buffer) {
  llvm::Expected<std::unique_ptr<llvm::object::ObjectFile>> object =
      llvm::object::ObjectFile::createELFObjectFile(buffer);
  if (!object) return object.takeError();
  const auto* elf = llvm::dyn_cast<Object>(object->get());
  if (!elf || elf->getArch() != llvm::Triple::x86_64) return fail("not an x86-64 object");
  return Linker(*elf).run();
}

} // namespace tailor::backend
