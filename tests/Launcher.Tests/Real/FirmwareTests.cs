using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.Launcher.Tests.Real;

[Trait("Category", "Real")]
public sealed class FirmwareTests
{
    [Fact]
    public async Task A_guest_boots_by_UEFI_with_variables_of_its_own_a_TPM_that_keeps_its_state_and_its_SMBIOS()
    {
        await using var guest = await RunningGuest.BootAsync(RunningGuest.Manifest(d => d with
        {
            Memory = new Memory { Guest = new Quantity("384Mi") },
            Chassis = new Chassis { Asset = "asset-1" },
            Firmware = d.Firmware! with { Bootloader = new Bootloader { Efi = new EFI { SecureBoot = false, Persistent = true } }, Serial = "serial-1" },
            Devices = d.Devices! with { Tpm = new TPMDevice { Persistent = true } },
        }));
        await guest.AgentAsync();
        Assert.Equal("efi", await guest.ShellAsync("ls -d /sys/firmware/efi | xargs basename"));
        Assert.Equal("serial-1", await guest.ShellAsync("cat /sys/class/dmi/id/product_serial"));
        Assert.Equal("asset-1", await guest.ShellAsync("cat /sys/class/dmi/id/chassis_asset_tag"));
        Assert.True(File.Exists(Path.Combine(guest.Sandbox.Private, "libvirt/qemu/nvram/demo_VARS.fd")), "no UEFI variables");
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(guest.Sandbox.Private, "libvirt/qemu/swtpm"), "tpm2-*", SearchOption.AllDirectories));
    }
}
