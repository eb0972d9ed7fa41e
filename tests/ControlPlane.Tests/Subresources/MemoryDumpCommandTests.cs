using Troupe.ControlPlane.Subresources;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Xunit;

namespace Troupe.ControlPlane.Tests.Subresources;

public sealed class MemoryDumpCommandTests
{
    [Fact]
    public void A_dump_goes_to_the_claim_of_the_last_one_and_to_no_other()
    {
        Assert.Equal((400, "Memory dump requires claim name to be set"), Said(MemoryDumpCommands.Complete(Machine(), new()).Item1));
        Assert.Equal(("dump", "Associating"), Asked(Machine(), "dump"));
        Assert.Equal(("dump", "Associating"), Asked(Machine("Completed"), null));
        Assert.Equal(("dump", "Associating"), Asked(Machine("Completed"), "dump"));
        Assert.Equal(
            (409, "Operation cannot be fulfilled on virtualmachine.kubevirt.io \"web\": can't request memory dump for pvc [other] while pvc [dump] is still associated as the memory dump pvc"),
            Said(MemoryDumpCommands.Complete(Machine("Completed"), new() { ClaimName = "other" }).Item1));
    }

    [Theory]
    [InlineData("Block", "ReadWriteOnce", "1Gi", "pvc should be filesystem pvc")]
    [InlineData("Filesystem", "ReadOnlyMany", "1Gi", "pvc access mode can't be read only")]
    [InlineData("Filesystem", "ReadWriteOnce", "240Mi", "pvc size [251659k] should be bigger then [241Mi]")]
    [InlineData(null, "ReadWriteOnce", "200M", "pvc size [200M] should be bigger then [241Mi]")]
    [InlineData(null, "ReadWriteOnce", "241Mi", null)]
    public void A_claim_must_be_a_writable_file_system_with_room_for_the_guests_memory(string? mode, string access, string size, string? problem)
    {
        var claim = new PersistentVolumeClaim
        {
            Metadata = new ObjectMeta { Name = "dump" },
            Spec = new PersistentVolumeClaimSpec { VolumeMode = mode, AccessModes = [access], Resources = new VolumeResourceRequirements { Requests = new Dictionary<string, Quantity> { ["storage"] = new(size) } } },
        };
        var instance = new VirtualMachineInstance { Spec = new VirtualMachineInstanceSpec { Domain = new DomainSpec { Memory = new Memory { Guest = new Quantity("128Mi") } } } };
        var refusal = MemoryDumpCommands.CheckClaim(instance, claim);
        Assert.Equal(problem is null ? null : $"Operation cannot be fulfilled on persistentvolumeclaim.kubevirt.io \"dump\": {problem}", refusal?.Message);
    }

    [Theory]
    [InlineData("Associating", "memory dump request for pvc [dump] already in progress")]
    [InlineData("InProgress", "memory dump request for pvc [dump] already in progress")]
    [InlineData("Unmounting", "memory dump request for pvc [dump] already in progress")]
    [InlineData("Dissociating", "can't dump memory for pvc [dump] a remove memory dump request is in progress")]
    public void One_dump_at_a_time(string phase, string problem) =>
        Assert.EndsWith(problem, MemoryDumpCommands.Patch(Machine(phase), new() { ClaimName = "dump", Phase = "Associating" }).Item1!.Message);

    [Fact]
    public void A_request_takes_the_place_of_what_was_read_and_of_nothing_else()
    {
        var (_, first) = MemoryDumpCommands.Patch(Machine(), new() { ClaimName = "dump", Phase = "Associating" });
        Assert.Equal(["test", "add"], first!.Select(o => (string?)o!["op"]));
        Assert.Null(first![0]!["value"]);
        var (_, again) = MemoryDumpCommands.Patch(Machine("Failed"), new() { ClaimName = "dump", Phase = "Associating" });
        Assert.Equal(("test", "Failed", "replace", "Associating"), ((string?)again![0]!["op"], (string?)again[0]!["value"]!["phase"], (string?)again[1]!["op"], (string?)again[1]!["value"]!["phase"]));
    }

    [Fact]
    public void Only_an_association_that_is_there_is_taken_away_and_that_once()
    {
        Assert.EndsWith("can't remove memory dump association for vm web, no association found", Remove(Machine()).Item1!.Message);
        Assert.EndsWith("memory dump remove request for pvc [dump] already exists", Remove(Machine("Dissociating", remove: true)).Item1!.Message);
        var wanted = Remove(Machine("Completed")).Item2![1]!["value"]!;
        Assert.Equal(("dump", "Dissociating", true), ((string?)wanted["claimName"], (string?)wanted["phase"], (bool?)wanted["remove"]));

        static (Refusal?, System.Text.Json.Nodes.JsonArray?) Remove(VirtualMachine machine) => MemoryDumpCommands.Patch(machine, new() { Remove = true });
    }

    private static (string?, string?) Asked(VirtualMachine machine, string? claim)
    {
        var (refusal, request) = MemoryDumpCommands.Complete(machine, new() { ClaimName = claim });
        Assert.Null(refusal);
        return (request.ClaimName, request.Phase);
    }

    private static (int, string) Said(Refusal? refusal) => (refusal!.Code, refusal.Message);

    private static VirtualMachine Machine(string? phase = null, bool? remove = null) => new()
    {
        Metadata = new ObjectMeta { Name = "web", Namespace = "n" },
        Status = new VirtualMachineStatus { MemoryDumpRequest = phase is null ? null : new VirtualMachineMemoryDumpRequest { ClaimName = "dump", Phase = phase, Remove = remove } },
    };
}
