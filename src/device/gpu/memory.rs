//! How much memory a card has: wgpu tells no total.

use crate::caps::AdapterKind;

/// Nine tenths of the memory of a card of its own, in bytes; `None` where it can't be told.
#[cfg(not(any(target_vendor = "apple", target_family = "wasm")))]
pub fn of_card(adapter: &wgpu::Adapter, kind: AdapterKind) -> Option<u64> {
    // SAFETY: the handles are only asked for properties, while the adapter lives; nothing is created, changed or destroyed.
    let largest = unsafe {
        let vulkan = adapter.as_hal::<wgpu::hal::api::Vulkan>()?;
        let instance = vulkan.shared_instance().raw_instance();
        let properties = instance.get_physical_device_memory_properties(vulkan.raw_physical_device());
        // A card's own memory is its largest heap that is local to it, and the heap of local memory comes first.
        let local = properties.memory_types_as_slice().iter().filter(|memory| memory.property_flags.as_raw() & 1 == 1);
        local.filter_map(|memory| properties.memory_heaps.get(memory.heap_index as usize)).map(|heap| heap.size).max()
    };
    largest.filter(|&bytes| kind == AdapterKind::Discrete && bytes > 0).map(|bytes| bytes / 10 * 9)
}

/// Other systems don't tell.
#[cfg(any(target_vendor = "apple", target_family = "wasm"))]
pub fn of_card(_: &wgpu::Adapter, _: AdapterKind) -> Option<u64> {
    None
}
